"""Which addresses a name may lead to."""

from __future__ import annotations

import pytest

from crawler.network import AddressRefused, ConnectTo, GuardedResolver, address_problem


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.5", "192.168.1.1", "172.16.3.4", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "nonsense",
    ],
)  # fmt: skip
def test_a_stranger_may_not_lead_home(address: str) -> None:
    """A name that is not configured is refused every address that is not public."""
    assert address_problem(address, trusted=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_fine(address: str) -> None:
    """A public address is nobody's secret."""
    assert not address_problem(address, trusted=False)


def test_a_configured_name_may_be_in_the_house_but_not_link_local() -> None:
    """An operator's own staging host may be private; cloud metadata is refused for every name."""
    assert not address_problem("10.0.0.5", trusted=True)
    assert address_problem("169.254.169.254", trusted=True)
    assert address_problem("::ffff:169.254.169.254", trusted=True)


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


async def test_the_resolver_obeys_connect_to() -> None:
    """A rule leads a real name to the box, without asking any DNS."""
    resolver = GuardedResolver([ConnectTo("cdn.example.org", 443, "127.0.0.1", 8443)], trusted_hosts=())
    results = await resolver.resolve("cdn.example.org", 443)
    assert {(result["host"], result["port"]) for result in results} == {("127.0.0.1", 8443)}
    await resolver.close()
