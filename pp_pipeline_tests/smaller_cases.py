"""Makes a case in which pipeline and oracle differ as small as it gets, many tries to a run.

Hypothesis shrinks one case at a time, and each try would cost a run of the pipeline; here up to
24 smaller cases are tried in one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.queue_oracle import Movement

CASES_A_RUN = 24
REQUIRED_PARAMETERS = ("event", "wait_days", "date_basis", "ship_trigger", "active_from", "repeat_orders")


def smallest(case: Case, differ: Callable[[list[Case]], list[bool]], most_runs: int = 40) -> Case:
    """The case with everything taken away without which it still differs.

    Args:
        case: a case that differs.
        differ: says of each of up to 24 cases whether it differs, in one run.
        most_runs: when to stop looking.
    """
    runs = 0
    found = True
    while found:
        found = False
        candidates = list(smaller(case))
        for first in range(0, len(candidates), CASES_A_RUN):
            if runs == most_runs:
                return case
            tried = candidates[first : first + CASES_A_RUN]
            runs += 1
            still_differ = [other for other, differs in zip(tried, differ(tried), strict=True) if differs]
            if still_differ:
                case, found = still_differ[0], True
                break
    return case


def smaller(case: Case) -> Iterator[Case]:
    """Cases with one thing less, the largest things first."""
    for order_number in sorted({row["order_number"] for file in case.files for row in file.rows}):
        yield from _keeping(case, lambda file, row, number=order_number: row["order_number"] != number)
    for file in case.files:
        yield from _keeping(case, lambda other, row, name=file.name: other.name != name)
    for file in case.files:
        for row in file.rows:
            yield from _keeping(case, lambda other, kept, gone=row: kept is not gone)
    for name in case.campaign:
        if name not in REQUIRED_PARAMETERS:
            yield replace(case, campaign={k: v for k, v in case.campaign.items() if k != name})
    if case.zone != "UTC":
        yield replace(case, zone="UTC")
    if case.currency != "USD":
        yield replace(case, currency="USD")
    if case.ineligible_emails:
        yield replace(case, ineligible_emails=())


def _keeping(case: Case, is_kept: Callable[[OrderFile, Row], bool]) -> Iterator[Case]:
    """The case with some of its rows, if any are left; files without rows go."""
    files = (file._replace(rows=tuple(row for row in file.rows if is_kept(file, row))) for file in case.files)
    left = tuple(file for file in files if file.rows)
    if left:
        yield replace(case, files=left)


def report(case: Case, got: Sequence[Movement], expected: Sequence[Movement]) -> str:
    """What a person needs to see of a case that differs, and the case itself to run it again."""
    lines = [f"merchant in {case.zone}, {case.currency}; campaign {case.campaign}"]
    for file in sorted(case.files, key=lambda file: file.name.encode()):
        lines.append(file.name)
        lines += ["    " + ",".join(row.values()) for row in file.rows]
    lines += ["the oracle's book:", *(f"    {row}" for row in expected)]
    lines += ["the pipeline's book:", *(f"    {row}" for row in got)]
    lines += ["missing:", *(f"    {row}" for row in expected if row not in got)]
    lines += ["too many:", *(f"    {row}" for row in got if row not in expected)]
    return "\n".join([*lines, "again:", f"    {case!r}"])
