"""Who is connected to: names become addresses here, and every address is checked before a connection is made.

A name that the configuration does not mention may not lead to this machine or its neighbourhood, whatever its DNS
says (rebinding); link-local addresses, where clouds keep their secrets, are refused for every name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class AddressRefused(OSError):
    """A name led to an address that it may not lead to."""


@dataclass(frozen=True, slots=True)
class ConnectTo:
    """Connect to `to_host:to_port` wherever `host:port` is asked for (curl's --connect-to); '' and 0 match any."""

    host: str
    port: int
    to_host: str
    to_port: int

    @classmethod
    def parse(cls, text: str) -> ConnectTo:
        """Read `HOST1:PORT1:HOST2:PORT2`; IPv6 hosts in brackets. Raises ValueError."""
        parts, rest = [], text
        for _ in range(4):
            if rest.startswith("["):
                part, _, rest = rest[1:].partition("]")
                rest = rest.removeprefix(":")
            else:
                part, _, rest = rest.partition(":")
            parts.append(part)
        if rest or text.count(":") < 3:
            raise ValueError(f"{text!r} is not HOST1:PORT1:HOST2:PORT2")
        ports = [int(part) if part else 0 for part in (parts[1], parts[3])]
        if not all(0 <= port <= 65535 for port in ports):
            raise ValueError(f"{text!r} names a port above 65535")
        return cls(parts[0].lower(), ports[0], parts[2], ports[1])

    def applies(self, host: str, port: int) -> bool:
        """Say whether a connection to host and port is redirected."""
        return self.host in ("", host.lower()) and self.port in (0, port)


def address_problem(address: str, *, trusted: bool) -> str:
    """Return why `address` may not be connected to; '' when it may. `trusted`: the name was configured."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return f"{address!r} is no address"
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    if ip.is_link_local:
        return f"{address} is link-local"
    if trusted:
        return ""
    if ip.is_global and not ip.is_multicast:
        return ""
    return f"{address} is not a public address"


class GuardedResolver(AbstractResolver):
    """Resolves names, applying `connect_to`, and refuses addresses that a name may not have."""

    def __init__(self, connect_to: Iterable[ConnectTo], trusted_hosts: Iterable[str]) -> None:
        """`trusted_hosts` are the configuration's own hosts, without ports."""
        self._connect_to = tuple(connect_to)
        self._trusted = frozenset(trusted_hosts)
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return addresses for a connection. Raises OSError, AddressRefused among them."""
        for rule in self._connect_to:
            if rule.applies(host, port):
                target, port = rule.to_host or host, rule.to_port or port
                return await self._resolver.resolve(target, port, socket.AF_UNSPEC)
        results = await self._resolver.resolve(host, port, socket.AF_UNSPEC)
        problems = [address_problem(result["host"], trusted=host.lower() in self._trusted) for result in results]
        allowed = [result for result, problem in zip(results, problems, strict=True) if not problem]
        if not allowed:
            raise AddressRefused(f"{host} leads to {', '.join(problems)}: no connection is made there")
        return allowed

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return a verifying context that also trusts `ca_file` when one is given."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
