"""When a contact came into segments and left them, from the daily snapshots."""

from collections.abc import Mapping
from datetime import date

from pp_pipeline.why.entries import SegmentChange
from pp_pipeline.why.history import History


def segment_changes(history: History, members: Mapping[str, set[date]]) -> list[SegmentChange]:
    """Each coming and going, by day. A day that was not built says nothing.

    Args:
        members: the days on which the contact is in each segment.
    """
    found = []
    for segment, days in members.items():
        was_member = False
        for day in history.built_days(f"segment_{segment}") or sorted(days):
            is_member = day in days
            if is_member != was_member:
                text = f"{'came into' if is_member else 'left'} the segment {segment}"
                found.append(SegmentChange(on=day, text=text, segment=segment, is_member=is_member))
            was_member = is_member
    return sorted(found, key=lambda change: (change.on, change.segment))
