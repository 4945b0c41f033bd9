"""Measures sending: messages read, claimed, rendered, written to the outbox and settled, on one processor.

The conversation is the tests' own, its templates as small as they can be: what is measured is the way, not Jinja.
Beside it the same number of files of that size is written and synced by a bare loop in the same run.
"""

import argparse
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from pp_pipeline_tests.bench.measuring import cost_of, machine
from pp_pipeline_tests.sending_world import DAY, World

_SYNC_THREADS = 16


def main() -> None:
    """The command: plan, seal, approve, send, write bare files, print."""
    parser = argparse.ArgumentParser(prog="bench_sending", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=100_000, help="messages of the day (default 100,000)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=options.folder) as folder:
        world = World.make(Path(folder))
        world.plan(DAY, options.messages)
        world.seal()
        world.approve()
        cost = cost_of(lambda: _seconds_to_send(world, options.messages))
        mail = world.mails()[0].read_bytes()
        bare = _seconds_to_write(Path(folder) / "bare", mail, options.messages)
        print(f"{options.messages:,} messages of {len(mail):,} bytes; {machine()}, one processor used")
    rate = options.messages / cost.seconds
    print(
        f"sending: {cost.seconds:.1f} s, {rate:,.0f} a second, {cost.processor_seconds:.1f} processor s, "
        f"{cost.peak_memory_mb:,} MB"
    )
    print(f"bare files, synced: {bare:.1f} s; sending takes {cost.seconds / bare:.1f} times as long")


def _seconds_to_send(world: World, messages: int) -> float:
    begin = perf_counter()
    assert world.send().sent_count == messages
    return perf_counter() - begin


def _seconds_to_write(folder: Path, content: bytes, count: int) -> float:
    folder.mkdir()
    begin = perf_counter()

    def write(number: int) -> None:
        with (folder / f"{number}.eml").open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    with ThreadPoolExecutor(_SYNC_THREADS) as pool:
        list(pool.map(write, range(count)))
    return perf_counter() - begin


if __name__ == "__main__":
    main()
