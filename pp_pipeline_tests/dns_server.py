"""A DNS server on a free port of this machine that answers what it is told: a stand-in for the world's."""

import socketserver
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class DnsServer:
    """Answers over UDP.

    Attributes:
        texts: TXT records by name; a name that is not there is NXDOMAIN.
        failing: names for which it says SERVFAIL.
        silent: names for which it says nothing.
        knows_root: whether it stands for the world's DNS, or for one without a way out.
        asked: the names that were asked for, in order.
    """

    texts: Mapping[str, list[str]] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    knows_root: bool = True
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                answer = outer._answer(self.request[0])
                if answer:
                    self.request[1].sendto(answer, self.client_address)

        self._server = socketserver.UDPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Where it is asked: address and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, packet: Any) -> bytes | None:
        query = dns.message.from_wire(packet)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        if name in self.silent:
            return None
        answer = dns.message.make_response(query, recursion_available=True)
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif question.rdtype == dns.rdatatype.NS and self.knows_root:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "NS", "ns.example.com."))
        elif name in self.texts and question.rdtype == dns.rdatatype.TXT:
            records = [_quoted(text) for text in self.texts[name]]
            if records:
                answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", "TXT", records))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()


def _quoted(text: str) -> str:
    """A text in pieces of 200 letters, as long ones are published."""
    pieces = [text[start : start + 200] for start in range(0, len(text), 200)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
