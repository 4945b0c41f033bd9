"""Wrong readings of DESIGN 3, each a small change of the oracle: how sharp are examples and worlds?

A pipeline that made one of these mistakes has to differ from the oracle in an example and in some of
the worlds drawn. They are the mistakes that a set-based form or a quick reading invites. Here: who is the
contact, which order is newer, since when it is shipped, what the files say. The others: `wrong_books`.
"""

from dataclasses import replace
from datetime import date
from typing import Self

from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.orders_oracle import Known, OrderFile, Row, Version, by_age
from pp_pipeline_tests.queue_oracle import SHIPPED_STATUSES, Basis, Campaign, QueueOracle

In = dict[str, Version]


class Misreading(QueueOracle):
    """An oracle that gets one thing wrong; the name says what."""

    @classmethod
    def of(cls, case: Case) -> Self:
        return cls(case.orders(), Campaign.of(case.campaign))


class _OtherSupersession(Misreading):
    """Asks about each other order of the contact whether it counts, and which of two is the newer."""

    def counts(self, number: str, other: Version) -> bool:
        return other.fields.status not in self.campaign.stop_statuses

    def age(self, number: str, version: Version) -> object:
        return by_age(number, version)

    def contact(self, number: str, version: Version) -> str | None:
        return version.fields.email

    def is_superseded(self, order_number: str, known: In) -> bool:
        mine = known[order_number]
        for number, other in known.items():
            if number == order_number or self.contact(number, other) != self.contact(order_number, mine):
                continue
            is_newer = self.age(number, other) > self.age(order_number, mine)  # type: ignore[operator]
            is_older = self.age(number, other) < self.age(order_number, mine)  # type: ignore[operator]
            decides = {"restart": is_newer, "first": is_older}.get(self.campaign.repeat_orders, False)
            if decides and self.counts(number, other):
                return True
        return False


class SupersededFromInsideTheQueueOnly(_OtherSupersession):
    def counts(self, number: str, other: Version) -> bool:
        return super().counts(number, other) and number in self.waiting


class SupersededByOrdersThatCouldWaitOnly(_OtherSupersession):
    def counts(self, number: str, other: Version) -> bool:
        has_basis = self.campaign.date_basis == "order_date" or other.fields.ship_date is not None
        return super().counts(number, other) and has_basis


class SupersededByStoppedOrders(_OtherSupersession):
    def counts(self, number: str, other: Version) -> bool:
        return True


class SupersededByPurchasesOnly(_OtherSupersession):
    def counts(self, number: str, other: Version) -> bool:
        return other.fields.status not in ("canceled", "returned")


class NotSupersededByOrdersGoneForGood(_OtherSupersession):
    def counts(self, number: str, other: Version) -> bool:
        return super().counts(number, other) and number not in self.gone_for_good


class EqualInstantsAreNotToldApart(_OtherSupersession):
    def age(self, number: str, version: Version) -> object:
        return version.fields.ordered_at


class AgeIsTheLocalDate(_OtherSupersession):
    def age(self, number: str, version: Version) -> object:
        return version.fields.ordered_on, number.encode()


class OrderNumbersByLocale(_OtherSupersession):
    def age(self, number: str, version: Version) -> object:
        letters = number.casefold().replace("é", "e").replace("-", "")
        return version.fields.ordered_at, letters, number.swapcase()


class OrderNumbersByValue(_OtherSupersession):
    def age(self, number: str, version: Version) -> object:
        return version.fields.ordered_at, number.zfill(9)


class ContactIsTheFirstKnown(_OtherSupersession):
    def contact(self, number: str, version: Version) -> str | None:
        return self.orders.history[number][0].version.fields.email


class _OtherReasonOrder(Misreading):
    first: str

    def reason_not_wanted(self, order_number: str, known: In, day: date) -> str | None:
        reason = super().reason_not_wanted(order_number, known, day)
        if reason is None or reason == self.first:
            return reason
        fields = known[order_number].fields
        withdrawn = fields.email is None or self.basis(order_number, known, day) is None
        if self.first == "withdrawn" and withdrawn:
            return "withdrawn"
        superseded = self.first == "superseded" and self.is_superseded(order_number, known)
        return "superseded" if superseded else reason


class WithdrawnBeatsCanceled(_OtherReasonOrder):
    first = "withdrawn"


class SupersededBeatsCanceled(_OtherReasonOrder):
    first = "superseded"


class _OtherStatusChange(Misreading):
    def shipped_since(self, versions: list[Known]) -> date:
        raise NotImplementedError

    def basis(self, order_number: str, known: In, day: date) -> Basis | None:
        basis = super().basis(order_number, known, day)
        if basis is None or basis.source != "status_change":
            return basis
        versions = [known_as for known_as in self.orders.history[order_number] if known_as.on <= day]
        return Basis(self.shipped_since(versions), basis.source)


class ShippedSinceTheLastChange(_OtherStatusChange):
    def shipped_since(self, versions: list[Known]) -> date:
        since = versions[-1].on
        for known in reversed(versions):
            if known.version.fields.status not in SHIPPED_STATUSES:
                break
            since = known.on
        return since


class ShippedSinceTheNewestVersion(_OtherStatusChange):
    def shipped_since(self, versions: list[Known]) -> date:
        return versions[-1].on


class ShippedCountsWithoutShipDateOnly(_OtherStatusChange):
    def shipped_since(self, versions: list[Known]) -> date:
        fields = [(known.on, known.version.fields) for known in versions]
        return next(on for on, f in fields if f.status in SHIPPED_STATUSES and f.ship_date is None)


class StatusCountsThoughNotShippedNow(Misreading):
    def basis(self, order_number: str, known: In, day: date) -> Basis | None:
        basis = super().basis(order_number, known, day)
        if basis is None and self.campaign.ship_trigger == "ship_date_or_status":
            first = self.orders.first_known_with(order_number, SHIPPED_STATUSES, day)
            return Basis(first, "status_change") if first else None
        return basis


class _OtherFiles(Misreading):
    @classmethod
    def of(cls, case: Case) -> Self:
        return super().of(replace(case, files=cls.other_files(case.files)))

    @staticmethod
    def other_files(files: tuple[OrderFile, ...]) -> tuple[OrderFile, ...]:
        raise NotImplementedError


class FirstFileWins(_OtherFiles):
    @staticmethod
    def other_files(files: tuple[OrderFile, ...]) -> tuple[OrderFile, ...]:
        """Names in the opposite order."""
        names = sorted({file.name for file in files}, key=str.encode)
        turned = {name: f"{len(names) - place:04}" for place, name in enumerate(names)}
        return tuple(file._replace(name=turned[file.name]) for file in files)


class FileNamesByLocale(_OtherFiles):
    @staticmethod
    def other_files(files: tuple[OrderFile, ...]) -> tuple[OrderFile, ...]:
        return tuple(file._replace(name=file.name.lower()) for file in files)


class FirstRowWins(_OtherFiles):
    @staticmethod
    def other_files(files: tuple[OrderFile, ...]) -> tuple[OrderFile, ...]:
        return tuple(file._replace(rows=file.rows[::-1]) for file in files)


class AllRowsAreLines(_OtherFiles):
    @staticmethod
    def other_files(files: tuple[OrderFile, ...]) -> tuple[OrderFile, ...]:
        def last_fields(row: Row, rows: tuple[Row, ...]) -> Row:
            last = [other for other in rows if other["order_number"] == row["order_number"]][-1]
            line = {name: row[name] for name in ("sku", "product_name", "category", "quantity", "unit_price")}
            return {**last, **line}

        def all_lines(file: OrderFile) -> OrderFile:
            return file._replace(rows=tuple(last_fields(row, file.rows) for row in file.rows))

        return tuple(all_lines(file) if file.kind == "orders" else file for file in files)


class BlankKeepsWhatWasKnown(_OtherFiles):
    @staticmethod
    def other_files(files: tuple[OrderFile, ...]) -> tuple[OrderFile, ...]:
        known: dict[tuple[str, str], str] = {}

        def filled(row: Row) -> Row:
            cells = dict(row)
            for column in ("email", "ship_date"):
                place = (row["order_number"], column)
                cells[column] = known[place] = row[column] or known.get(place, "")
            return cells

        in_order = sorted(files, key=lambda file: file.name.encode())
        return tuple(
            file._replace(rows=tuple(filled(row) for row in file.rows)) if file.kind == "orders" else file
            for file in in_order
        )


class LocalTimesAreUtc(Misreading):
    @classmethod
    def of(cls, case: Case) -> Self:
        return super().of(replace(case, zone="UTC"))
