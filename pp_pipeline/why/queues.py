"""A queue and one order: the movements in plain words, and why it waits, left, or never entered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from operator import itemgetter
from typing import Any

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.why.entries import Movement, Source
from pp_pipeline.why.history import MovementRow, VersionRow, in_force
from pp_pipeline.why.rules import Stretch
from pp_pipeline.why.story import QueueStanding
from pp_pipeline.why.words import (
    audience_values,
    basis_missing,
    days,
    due_words,
    late_words,
    outside_window,
    value_words,
)

FOR_GOOD = ("released", "expired", "filtered")


@dataclass(frozen=True)
class QueueTeller:
    """Tells of one campaign's queue.

    Attributes:
        built_through: the newest day of its book; None where it was never built.
        orders: all versions of the orders in question and of every other order of their contacts.
        stretches: what the rules make of the orders (`Rules.stretches`).
        audience: what the audience was judged on (`Rules.audience_facts`).
    """

    campaign: Campaign
    built_through: date | None
    orders: Mapping[str, Sequence[VersionRow]]
    stretches: Mapping[str, Sequence[Stretch]]
    audience: Mapping[tuple[str, date], Sequence[dict[str, Any]]]

    def movements(self, rows: Sequence[MovementRow]) -> list[Movement]:
        """The movements of one order."""
        told = []
        for place, row in enumerate(rows):
            rival, values = None, {}
            if row.reason == "superseded":
                rival = self._rival(row.order_number, row.movement_on)
            elif row.reason == "filtered":
                values = self._values(row)
            told.append(
                Movement(
                    on=row.movement_on,
                    text=f"queue {self.campaign.name}: {self._text(row, rows[place - 1] if place else None, values)}",
                    source=Source(row.order_file, row.order_file_line),
                    contact_key=row.contact_key,
                    campaign=self.campaign.name,
                    movement=row.movement,
                    reason=row.reason,
                    basis_date=row.basis_date,
                    basis_source=row.basis_source,
                    due_on=row.due_on,
                    event_id=row.event_id,
                    superseded_by=rival.order_number if rival else None,
                    superseded_by_source=rival.source if rival else None,
                    audience=self.campaign.audience if row.reason == "filtered" else None,
                    audience_values=values,
                )
            )
        return told

    def standing(self, order_number: str, movements: Sequence[Movement]) -> QueueStanding:
        """How the order stands in the queue at the end of the newest built day."""
        name = self.campaign.name
        if not movements:
            return QueueStanding(name, "never", self._why_never(order_number))
        last = movements[-1]
        if last.movement == "left":
            again = "" if last.reason in FOR_GOOD else "; it may enter again"
            return QueueStanding(name, "left", f"left on {last.on}, {last.reason}{again}")
        version = in_force(self.orders[order_number], self.built_through or last.on)
        if last.due_on and self.built_through and last.due_on <= self.built_through and version:
            return QueueStanding(name, "waiting", f"due since {last.due_on}, held while its status is {version.status}")
        return QueueStanding(name, "waiting", f"waits, due {last.due_on}")

    def _text(self, row: MovementRow, before: MovementRow | None, values: Mapping[str, Any]) -> str:
        if row.movement == "entered":
            return f"entered, {due_words(self.campaign, row)}"
        if row.movement == "moved":
            other = f", now to {row.email}" if before is not None and before.email != row.email else ""
            return f"moved, {due_words(self.campaign, row)}{other}"
        if row.reason == "released":
            return f"left, released{late_words(row)}: fires {self.campaign.event}"
        if row.reason == "expired":
            return f"left, expired{late_words(row)}: the campaign allows {days(self.campaign.max_days_late)}"
        if row.reason == "filtered":
            judged = value_words(values) or "it was not on the list that day"
            return f"left, filtered: not in the audience ({self.campaign.audience}): {judged}"
        version = in_force(self.orders.get(row.order_number, ()), row.movement_on)
        if version is None:
            return f"left, {row.reason}"
        return f"left, {row.reason}: {self._not_wanted(row.reason or '', version, row.movement_on)}"

    def _not_wanted(self, reason: str, version: VersionRow, on: date) -> str:
        """Why an order is not wanted, in words; `withdrawn` has three causes, the last is that no basis is known."""
        if reason == "canceled":
            return f"its status is {version.status}"
        if reason == "superseded":
            rival = self._rival(version.order_number, on)
            age = "an older" if self.campaign.repeat_orders == "first" else "a newer"
            if rival is None:
                return f"{age} order of the contact counts"
            return f"{age} order counts, {rival.order_number} of {rival.ordered_on} ({rival.source})"
        if version.contact_key is None:
            return "no valid e-mail address"
        if not version.is_eligible:
            return "its address is declared no shopper's (ineligible_emails)"
        return basis_missing(self.campaign)

    def _rival(self, order_number: str, on: date) -> VersionRow | None:
        """The order that supersedes this one on a day: the newest of its contact, or with `first` the oldest."""
        own = in_force(self.orders.get(order_number, ()), on)
        if own is None:
            return None
        takes_newer = self.campaign.repeat_orders == "restart"
        best: VersionRow | None = None
        for reach, number, versions in self._orders_of.get(own.contact_key or "", ()):
            if best is not None and (reach <= best.age if takes_newer else reach >= best.age):
                break  # those that follow reach less far
            if number == order_number or versions[0].known_on > on:
                continue
            version = in_force(versions, on)
            if version is None or version.contact_key != own.contact_key or not version.is_eligible:
                continue
            against = best or own
            if version.status not in self.campaign.stop_statuses and (
                version.age > against.age if takes_newer else version.age < against.age
            ):
                best = version
        return best

    @cached_property
    def _orders_of(self) -> dict[str, list[tuple[Any, str, Sequence[VersionRow]]]]:
        """The orders of each contact with how far they ever reach, those that reach farthest first."""
        takes_newer = self.campaign.repeat_orders == "restart"
        found: dict[str, list[tuple[Any, str, Sequence[VersionRow]]]] = {}
        for number, versions in self.orders.items():
            ages = [version.age for version in versions]
            for key in {version.contact_key for version in versions if version.contact_key}:
                found.setdefault(key, []).append((max(ages) if takes_newer else min(ages), number, versions))
        for orders in found.values():
            orders.sort(key=itemgetter(0), reverse=takes_newer)
        return found

    def _values(self, row: MovementRow) -> dict[str, Any]:
        purchases = self.audience.get((row.contact_key or "", row.movement_on), ())
        version = in_force(self.orders.get(row.order_number, ()), row.movement_on)
        return audience_values(self.campaign.audience or "", purchases, version)

    def _why_never(self, order_number: str) -> str:
        if self.built_through is None:
            return "the queue was never built: `pp run` builds it"
        if self.built_through < self.campaign.active_from:
            return f"the campaign is active from {self.campaign.active_from}, its book ends on {self.built_through}"
        obstacles: list[tuple[date, str, str]] = []
        for stretch in self.stretches.get(order_number, ()):
            starts_on = max(stretch.from_on, self.campaign.active_from)
            is_over = stretch.until_on is not None and stretch.until_on <= starts_on
            if is_over or starts_on > self.built_through:
                continue
            word, text = self._obstacle(order_number, stretch, starts_on)
            before = obstacles[-1][1] if obstacles else ""
            if word.startswith("superseded") and before.startswith("superseded") and word != before:
                obstacles[-1] = (obstacles[-1][0], word, text)  # by another order by now: the newest is named
            elif word != before:
                obstacles.append((starts_on, word, text))
        if not obstacles:
            return "no file stated it on any built day"
        later = [f"from {on} on: {text}" for on, _, text in obstacles[1:]]
        return "; ".join([obstacles[0][2], *later])

    def _obstacle(self, order_number: str, stretch: Stretch, on: date) -> tuple[str, str]:
        """A word and a sentence for why an order could not enter in a stretch of days."""
        campaign = self.campaign
        if stretch.basis_date is not None:
            first = campaign.active_from.toordinal() - campaign.back_populate_days
            last = campaign.active_to or date.max
            if not (first <= stretch.basis_date.toordinal() and stretch.basis_date <= last):
                return f"window {stretch.basis_date}", outside_window(campaign, stretch.basis_date)
        version = in_force(self.orders[order_number], on)
        if stretch.not_wanted is None or version is None:
            return "incomplete", f"it should have entered on {on}; the book is not complete: `pp run` rebuilds it"
        text = self._not_wanted(stretch.not_wanted, version, on)
        rival = self._rival(order_number, on) if stretch.not_wanted == "superseded" else None
        return f"superseded by {rival.order_number}" if rival else text, text
