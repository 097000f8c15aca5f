"""Who is connected to: names become addresses here, and every address is checked before a connection is made.

A name that the configuration does not mention may not lead to this machine or its neighbourhood, whatever its DNS
says (rebinding); the addresses where clouds keep their secrets are refused for every name. What is checked is what
is connected to: the checked addresses themselves go to the connector, and a name is not asked for again.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_METADATA = frozenset(  # beside the link-local 169.254.169.254; each hands out credentials to whoever asks
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291, 2.4; nothing else of IPv6 is routed
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: a gateway sends it on to the IPv4 address in its end
_IPV4_IN_THE_END = (_NAT64, ipaddress.IPv6Network("::/96"), ipaddress.IPv6Network("::ffff:0:0:0/96"))
_WEB_PORTS = (80, 443)

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
    if any(one.is_link_local or one in _METADATA for one in (ip, *_within(ip))):
        return f"{address} is link-local, or a cloud's metadata service"
    if trusted or all(_is_public(one) for one in _meant(ip)):
        return ""
    return f"{address} is not a public address"


@lru_cache(maxsize=4096)
def literal_problem(host: str, *, trusted: bool) -> str:
    """Return why a URL's host, without port, may not be connected to when it is an address; '' for a name.

    No resolver is asked about addresses, so that this is their only check. Shortened and decimal spellings, which the
    system would read as addresses (127.1, 2130706433), are refused.
    """
    bare = host.removeprefix("[").removesuffix("]")
    if ":" in bare or bare.replace(".", "").isdigit():
        return address_problem(bare, trusted=trusted)
    return ""


def _is_public(ip: _Address) -> bool:
    return ip.is_global and not ip.is_multicast and (ip.version == 4 or ip in _GLOBAL_UNICAST)


def _meant(ip: _Address) -> tuple[_Address, ...]:
    """Return where a packet to `ip` ends up: the address within where it is only the envelope of one."""
    only_envelope = isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip in _NAT64)
    return _within(ip) if only_envelope else (ip, *_within(ip))


def _within(ip: _Address) -> tuple[_Address, ...]:
    """Return the IPv4 addresses that an IPv6 address carries: mapped, 6to4, Teredo, NAT64, compatible, translated."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ()
    end = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    found = (
        ip.ipv4_mapped,
        ip.sixtofour,
        *(ip.teredo or ()),
        end if any(ip in net for net in _IPV4_IN_THE_END) else None,
    )
    return tuple(one for one in found if one is not None)


class GuardedResolver(AbstractResolver):
    """Resolves names, applying `connect_to`, and refuses addresses that a name may not have."""

    def __init__(self, connect_to: Iterable[ConnectTo], trusted_hosts: Iterable[str]) -> None:
        """`trusted_hosts` are the configuration's own `host[:port]`; without a port, those of the web are meant."""
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
        name = host.lower()
        trusted = f"{name}:{port}" in self._trusted or (port in _WEB_PORTS and name in self._trusted)
        problems = [address_problem(result["host"], trusted=trusted) for result in results]
        allowed = [result for result, problem in zip(results, problems, strict=True) if not problem]
        if not allowed:
            raise AddressRefused(f"{host} leads to {', '.join(problems)}: no connection is made there")
        return allowed

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()


def tls_context(ca_file: str) -> ssl.SSLContext | bool:
    """Return a verifying context that also trusts `ca_file`; True, for the connector's own, when none is given."""
    if not ca_file:
        return True  # which it has made already: reading the system's certificates again takes 20 ms
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    return context
