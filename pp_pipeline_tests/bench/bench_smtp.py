"""Measures sending by SMTP: the channel beside a bare loop of smtplib, at the same server in a process of its own.

    python -m pp_pipeline_tests.bench.bench_smtp [--messages 5000]

Both make each message anew out of its draft. They take turns, so that what else the machine does meets both.
"""

import argparse
import multiprocessing
import smtplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from multiprocessing.connection import Connection
from time import perf_counter

from pp_pipeline.channel_roads import SmtpRoad
from pp_pipeline.sending.outlets.mime import email_bytes
from pp_pipeline.sending.outlets.outlet import EmailDraft
from pp_pipeline.sending.outlets.pace import Pace
from pp_pipeline.sending.outlets.smtp import SmtpChannel
from pp_pipeline_tests.bench.measuring import machine
from pp_pipeline_tests.smtp_server import SmtpServer

_ROUNDS = 5


def main() -> None:
    """The command: send, and print seconds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000, help="how many each of the two sends")
    count = parser.parse_args().messages // _ROUNDS
    with _server() as (port, accepted_count):
        channel = SmtpChannel(SmtpRoad(host="127.0.0.1", port=port, security="none"), pace=Pace(float("inf")))
        ways = {"SmtpChannel": lambda drafts: _by_channel(channel, drafts), "smtplib": lambda d: _by_hand(port, d)}
        seconds = dict.fromkeys(ways, 0.0)
        for round_number in range(_ROUNDS):
            for name, send in ways.items():
                drafts = [_draft(f"{name}{round_number}x{number:06d}") for number in range(count)]
                seconds[name] += _seconds(send, drafts)
        channel.close()
        sent = accepted_count()
    if sent != 2 * _ROUNDS * count:
        raise SystemExit(f"the server accepted {sent:,} messages, not {2 * _ROUNDS * count:,}")
    print(machine())
    for name, taken in seconds.items():
        print(f"{name:12} {_ROUNDS * count:,} messages in {taken:.2f} s, {_ROUNDS * count / taken:,.0f} a second")
    print(f"ratio        {seconds['SmtpChannel'] / seconds['smtplib']:.2f}")


def _by_channel(channel: SmtpChannel, drafts: Sequence[EmailDraft]) -> None:
    for outcome in channel.deliver(drafts):
        if outcome.state != "sent":
            raise SystemExit(f"a message was not sent: {outcome.state}, {outcome.reason}")


def _by_hand(port: int, drafts: Sequence[EmailDraft]) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        for draft in drafts:
            client.sendmail(draft.from_email, draft.to_email, email_bytes(draft))


def _seconds(send: Callable[[Sequence[EmailDraft]], None], drafts: Sequence[EmailDraft]) -> float:
    start = perf_counter()
    send(drafts)
    return perf_counter() - start


def _draft(message_id: str) -> EmailDraft:
    body = "Thank you for your order. It is on its way, and here is what we packed for you.\n" * 40
    return EmailDraft(
        message_id=message_id,
        conversation="hello",
        merchant="main",
        day=date(2026, 7, 10),
        from_name="Corner Shop",
        from_email="shop@example.com",
        to_email="ann@example.com",
        subject="Your order",
        text=body,
        html=f"<p>{body}</p>\n",
    )


@contextmanager
def _server() -> Iterator[tuple[int, Callable[[], int]]]:
    """A server in another process: its port, and how many messages it accepted."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,))
    process.start()

    def accepted_count() -> int:
        here.send("count")
        return here.recv()

    try:
        yield here.recv(), accepted_count
    finally:
        here.send("stop")
        process.join()


def _serve(pipe: Connection) -> None:
    with SmtpServer() as server:
        pipe.send(server.port)
        while pipe.recv() != "stop":
            pipe.send(len(server.accepted))


if __name__ == "__main__":
    main()
