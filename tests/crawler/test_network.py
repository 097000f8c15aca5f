"""Which addresses a name may lead to."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.network import AddressRefused, ConnectTo, GuardedResolver, address_problem, literal_problem


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.5", "192.168.1.1", "172.16.3.4", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "nonsense",
        "::", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1",
        "2001:0:7f00:1::", "fec0::1", "fe80::1%eth0", "ff02::1", "100::1", "2001:db8::1", "5f00::1", "4000::1",
        "2130706433", "127.1", "0x7f.0.0.1", "0177.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1",
        "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    ],
)  # fmt: skip
def test_a_stranger_may_not_lead_home(address: str) -> None:
    """A name that is not configured is refused every address that is not public."""
    assert address_problem(address, trusted=False)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::93.184.216.34"],
)
def test_public_addresses_are_fine(address: str) -> None:
    """A public address is nobody's secret."""
    assert not address_problem(address, trusted=False)


@pytest.mark.parametrize("address", ["10.0.0.5", "127.0.0.1", "::1", "fd12::1", "::ffff:10.0.0.5"])
def test_a_configured_name_may_be_in_the_house(address: str) -> None:
    """An operator's own staging host may be private."""
    assert not address_problem(address, trusted=True)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::", "fe80::1",
        "::169.254.169.254", "2001:0:a9fe:a9fe::", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    ],
)  # fmt: skip
def test_a_clouds_secrets_are_refused_for_every_name(address: str) -> None:
    """Whatever is configured, its DNS cannot lead to link-local addresses and metadata services, however wrapped."""
    assert address_problem(address, trusted=True)


@given(st.ip_addresses(v=4))
def test_an_address_in_an_envelope_is_judged_as_itself(ip: IPv4Address) -> None:
    """Mapped, NAT64 and 6to4 addresses are as public as the IPv4 address that they carry."""
    bare = bool(address_problem(str(ip), trusted=False))
    sixtofour = IPv6Address((0x2002 << 112) | (int(ip) << 80) | 1)
    for envelope in (f"::ffff:{ip}", f"64:ff9b::{ip}", str(sixtofour)):
        assert bool(address_problem(envelope, trusted=False)) is bare


@pytest.mark.parametrize("host", ["[::1]", "::1", "127.0.0.1", "127.1", "2130706433", "1.2.3.4.5"])
def test_a_host_that_is_an_address_is_judged_without_a_resolver(host: str) -> None:
    """No resolver is asked about addresses, so they are judged as they stand, odd spellings too."""
    assert literal_problem(host, trusted=False)


@pytest.mark.parametrize("host", ["www.example.org", "127.0.0.1.example.org", "1.example", "0x7f.1", "93.184.216.34"])
def test_names_and_public_addresses_are_left_to_the_resolver(host: str) -> None:
    """A name is judged when it is resolved."""
    assert not literal_problem(host, trusted=False)


@pytest.mark.parametrize(
    "text, rule",
    [
        ("cdn.example.org:443:127.0.0.1:8443", ConnectTo("cdn.example.org", 443, "127.0.0.1", 8443)),
        ("::127.0.0.1:8443", ConnectTo("", 0, "127.0.0.1", 8443)),
        ("a.example:80::", ConnectTo("a.example", 80, "", 0)),
        ("[::1]:80:[::2]:81", ConnectTo("::1", 80, "::2", 81)),
    ],
)
def test_connect_to_reads_as_curl_does(text: str, rule: ConnectTo) -> None:
    """The four parts of a rule are read, empty ones and IPv6 included."""
    assert ConnectTo.parse(text) == rule


@pytest.mark.parametrize("text", ["", "a.example", "a:1:b", "a:1:b:2:3", "a:x:b:2", "a:1:b:70000"])
def test_broken_connect_to_is_refused(text: str) -> None:
    """A rule that is not four parts with real ports is an error."""
    with pytest.raises(ValueError, match=r".+"):
        ConnectTo.parse(text)


async def test_the_resolver_refuses_a_stranger_that_leads_home() -> None:
    """A name outside the configuration that resolves to this machine is not connected to."""
    resolver = GuardedResolver((), trusted_hosts=())
    with pytest.raises(AddressRefused):
        await resolver.resolve("localhost", 80)
    await resolver.close()


async def test_a_name_that_turns_inward_later_is_refused_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each resolution is judged anew, so an honest first answer buys nothing; of mixed ones the public are used."""
    answers = [["93.184.216.34"], ["93.184.216.34", "10.0.0.1"], ["127.0.0.1"]]

    async def getaddrinfo(_loop: object, _host: str, port: int, **_options: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers.pop(0)]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    resolver = GuardedResolver((), trusted_hosts=["cms.example"])
    for _ in range(2):
        results = await resolver.resolve("rebound.example", 443)
        assert [result["host"] for result in results] == ["93.184.216.34"]
    with pytest.raises(AddressRefused):
        await resolver.resolve("rebound.example", 443)
    await resolver.close()


@pytest.mark.parametrize(
    "trusted, port, refused",
    [("localhost", 443, False), ("localhost", 80, False), ("localhost", 5432, True), ("localhost:8080", 8080, False),
     ("localhost:8080", 443, True)],
)  # fmt: skip
async def test_trust_goes_with_the_port(trusted: str, port: int, refused: bool) -> None:
    """A configured name may lead home at its own port, or at the web's, not at every port."""
    resolver = GuardedResolver((), trusted_hosts=[trusted])
    if refused:
        with pytest.raises(AddressRefused):
            await resolver.resolve("LOCALHOST", port)
    else:
        assert await resolver.resolve("LOCALHOST", port)
    await resolver.close()


async def test_the_resolver_obeys_connect_to() -> None:
    """A rule leads a real name to the box, without asking any DNS."""
    resolver = GuardedResolver([ConnectTo("cdn.example.org", 443, "127.0.0.1", 8443)], trusted_hosts=())
    results = await resolver.resolve("cdn.example.org", 443)
    assert {(result["host"], result["port"]) for result in results} == {("127.0.0.1", 8443)}
    await resolver.close()
