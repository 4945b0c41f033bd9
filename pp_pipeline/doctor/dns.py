"""Asking DNS for texts (TXT records), by dnspython."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address

import dns.exception
import dns.resolver

_SECONDS = 3.0


class NoAnswer(Exception):
    """DNS could not be asked; nothing is known of the name."""


@dataclass
class Dns:
    """A resolver. When nobody answers once, nobody is asked any more: each time would take seconds.

    Attributes:
        nameserver: IP address, or IP address and port (`127.0.0.1:5353`); '' asks those of this machine.
    """

    nameserver: str = ""
    _is_silent: bool = field(default=False, init=False)
    _knows_root: bool | None = field(default=None, init=False)
    _known: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False)

    def texts(self, name: str) -> list[str]:
        """The texts under a name; none where it has none or is not there.

        Raises:
            NoAnswer: nobody answered.
        """
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def _ask(self, name: str) -> list[str]:
        if self._is_silent:
            raise NoAnswer
        try:
            answer = self._resolver.resolve(name, "TXT", search=False)
        except dns.resolver.NXDOMAIN:
            self._check_root()
            return []
        except dns.resolver.NoAnswer:
            return []
        except (dns.resolver.NoResolverConfiguration, dns.resolver.LifetimeTimeout, OSError):
            self._is_silent = True
            raise NoAnswer from None
        except dns.exception.DNSException:  # the server failed, or the name can't be one
            raise NoAnswer from None
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    def _check_root(self) -> None:
        """A server without a way out says of every name that it is not there, even of the root."""
        if self._knows_root is None:
            try:
                self._knows_root = bool(self._resolver.resolve(".", "NS", search=False))
            except dns.exception.DNSException:
                self._knows_root = False
        if not self._knows_root:
            self._is_silent = True
            raise NoAnswer

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self.nameserver)
        if self.nameserver:
            host, port = read_nameserver(self.nameserver)
            resolver.nameservers, resolver.port = [host], port
        resolver.lifetime = _SECONDS
        return resolver


Ask = Callable[[str], list[str]]
"""Gives the texts under a name; raises NoAnswer."""


def read_nameserver(text: str) -> tuple[str, int]:
    """Address and port of a nameserver.

    Raises:
        ValueError: it is written otherwise.
    """
    try:
        return str(ip_address(text)), 53
    except ValueError:
        host, _, port = text.rpartition(":")
    address = ip_address(host.strip("[]"))
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError("no port")
    return str(address), int(port)
