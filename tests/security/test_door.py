"""The one door to the network, tried by somebody who owns the server, its DNS, or the road in between."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Callable
from itertools import count
from typing import Any

import aiohttp
import pytest

from crawler.errors import Fault, FaultKind
from crawler.fetch import Answer, Fetcher, FetchSettings
from crawler.foreign import translated
from crawler.network import ConnectTo
from tests.security.server import Server, ok, redirect, running

PRIVATE = FaultKind.ADDRESS_REFUSED
KEY = "k3y-0f-the-newsroom-1234567890"


async def ask(server: Server, url: str, *, key: str = "", keyed: bool = False, **settings: Any) -> Answer:
    """Fetch a URL with a configuration that names this server alone."""
    chosen = FetchSettings("t", **settings)
    async with Fetcher(chosen, server.host.__eq__, [server.host]) as fetcher:
        return await fetcher.page(url, api_key=key, keyed=keyed)


async def fault_of(server: Server, url: str, **settings: Any) -> Fault:
    """Return what fetching a URL raises."""
    with pytest.raises(Fault) as caught:
        await ask(server, url, **settings)
    return caught.value


async def stranger(url: str) -> Fault:
    """Return what a URL raises where any host may be fetched, as with third-party pictures."""
    async with Fetcher(FetchSettings("t", connect_timeout=5.0), lambda _: True, ["cms.example"]) as fetcher:
        with pytest.raises(Fault) as caught:
            await fetcher.page(url)
    return caught.value


# Where a connection may lead


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::7f00:1]",
        "2130706433", "127.1", "0x7f000001", "0x7f.1", "0177.0.0.1", "localhost", "LOCALHOST.",
        "10.0.0.1", "192.168.0.1", "169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)  # fmt: skip
async def test_no_spelling_of_an_inner_address_is_connected_to(host: str) -> None:
    """Loopback, private and metadata addresses are refused however they are written, and nobody there hears of it."""
    async with running() as server:
        fault = await stranger(f"http://{host}:{server.port}/a")
    assert fault.kind in (PRIVATE, FaultKind.BAD_URL)
    assert not server.requests


async def test_an_inner_address_is_trusted_at_its_configured_port_only() -> None:
    """A site configured on this machine opens its own port, not the database beside it."""
    async with running() as site, running() as beside:
        site.answers["/a"] = ok(b"x")
        async with Fetcher(FetchSettings("t"), lambda _: True, [site.host]) as fetcher:
            assert (await fetcher.page(f"{site.url}/a")).body == b"x"
            with pytest.raises(Fault) as caught:
                await fetcher.page(f"{beside.url}/a")
    assert caught.value.kind is PRIVATE
    assert not beside.requests


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["10.1.2.3", "::1"]])
async def test_a_name_whose_dns_turns_inward_is_refused(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> None:
    """A name outside the configuration is judged by the addresses it has at the moment of connecting."""

    async def rebound(_loop: object, _host: str, port: int, **_options: object) -> list[Any]:
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in answers]  # fmt: skip

    async with running() as server:
        monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", rebound)
        fault = await stranger(f"http://rebound.example:{server.port}/a")
    assert fault.kind is PRIVATE
    assert not server.requests


# Redirects


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://2130706433/", "//127.0.0.1:1/",
        "file:///etc/passwd", "data:text/html,x", "javascript:alert(1)", "gopher://127.0.0.1:25/x", "ftp://x/",
        "https:///x", "http://[::1", "http://a b/", "http://user:password@elsewhere.example/",
        "http://elsewhere.example\\@127.0.0.1/", "http://elsewhere.example:99999/",
    ],
)  # fmt: skip
async def test_a_redirect_leads_nowhere_else(location: str) -> None:
    """To strangers, inner addresses and other schemes no redirect is followed, at whichever hop it comes."""
    async with running() as server:
        server.answers["/first"] = redirect("/second")
        server.answers["/second"] = redirect(location)
        fault = await fault_of(server, f"{server.url}/first")
    assert fault.kind is FaultKind.REDIRECT_REFUSED
    assert [path for path, _ in server.requests] == ["/first", "/second"]


async def test_a_redirect_is_checked_by_address_where_every_host_is_allowed() -> None:
    """With third-party pictures on, a media host cannot send us home."""
    async with running() as server, running() as inner:
        server.answers["/a.jpg"] = redirect(f"{inner.url}/admin")
        async with Fetcher(FetchSettings("t"), lambda _: True, [server.host]) as fetcher:
            with pytest.raises(Fault) as caught:
                await fetcher.page(f"{server.url}/a.jpg")
    assert caught.value.kind is PRIVATE
    assert not inner.requests


@pytest.mark.parametrize("location", [b"/\x1b]8;;x", b"/\xe2\x80\xae", b"/\xff\xfe", b"/" + b"x" * 8_000])
async def test_a_redirect_to_an_impossible_url_is_a_fault(location: bytes) -> None:
    """A Location with control, bidi or undecodable characters, or without end, is the server's fault, not ours."""
    async with running() as server:
        head = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: "
        server.answers["/a"] = head + location + b"\r\n\r\n"
        fault = await fault_of(server, f"{server.url}/a")
    assert fault.kind in (FaultKind.REDIRECT_REFUSED, FaultKind.PROTOCOL)
    assert str(fault).isprintable()


async def test_a_url_cannot_smuggle_headers() -> None:
    """Line breaks and blanks in a URL never reach the wire as such."""
    async with running() as server:
        for url in (f"{server.url}/a\r\nX-Evil: 1", f"{server.url}/a HTTP/1.1\nHost: x", f"{server.url}/a\x00"):
            assert (await fault_of(server, url)).kind is FaultKind.BAD_URL
        server.answers["/a%20HTTP/1.1"] = ok(b"x")
        await ask(server, f"{server.url}/a HTTP/1.1")
    assert [path for path, _ in server.requests] == ["/a%20HTTP/1.1"]


# The key


@pytest.mark.parametrize("keyed", [False, True])
async def test_the_key_stays_with_its_port(keyed: bool) -> None:
    """Another port of the same machine is another house: it sees the key neither as a header nor in the URL."""
    async with running() as home, running() as other:
        where = f"/a?key={KEY}" if keyed else "/a"
        home.answers[where] = redirect(other.url + where)
        other.answers[where] = ok(b"{}")
        allowed = {home.host, other.host}
        async with Fetcher(FetchSettings("t"), allowed.__contains__, allowed) as fetcher:
            if keyed:
                with pytest.raises(Fault) as caught:
                    await fetcher.page(home.url + where, keyed=True)
                assert caught.value.kind is FaultKind.REDIRECT_REFUSED
            else:
                await fetcher.page(home.url + where, api_key=KEY)
    assert KEY in str(home.requests)
    assert KEY not in str(other.requests)


async def test_a_malformed_key_is_not_told() -> None:
    """A key that cannot be a header is refused before it is sent, and not repeated in the message."""
    async with running() as server:
        fault = await fault_of(server, f"{server.url}/a", key=f"{KEY}\r\nX-Evil: 1")
    assert fault.kind is FaultKind.PROTOCOL
    assert KEY not in str(fault)
    assert not server.requests


async def test_what_a_server_repeats_of_the_key_is_masked() -> None:
    """Headers, address and body of an answer come without the key, spelt out or percent-encoded."""
    key = "a/key+with=signs&more"
    quoted = "a%2Fkey%2Bwith%3Dsigns%26more"
    async with running() as server:
        body = f'{{"next": "/a?key={quoted}", "key": "{key}"}}'.encode()
        server.answers[f"/a?key={quoted}"] = redirect(f"/b?page=1&key={quoted}")
        server.answers[f"/b?page=1&key={quoted}"] = ok(body, f"X-Echo: {key}", f"X-{quoted.replace('%', '')}: 1")
        answer = await ask(server, f"{server.url}/a?key={quoted}", keyed=True)
    assert key not in str(answer)
    assert quoted not in str(answer)
    assert answer.url == f"{server.url}/b?page=1&key=********"
    assert len(answer.body) == len(body)


@pytest.mark.parametrize("before", range(40, 420, 9))
async def test_no_part_of_the_key_is_left_where_messages_are_cut(before: int) -> None:
    """Wherever in its message or its redirect a server repeats the key, not a third of it gets into ours."""
    async with running() as server:
        said = "x" * before
        server.answers["/said"] = (
            f'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{{"message": "{said}{KEY}"}}'.encode()
        )
        server.answers[f"/loop?{said}&key={KEY}"] = redirect(f"/loop?{said}&key={KEY}")
        faults = [
            await fault_of(server, f"{server.url}/said", key=KEY),
            await fault_of(server, f"{server.url}/loop?{said}&key={KEY}", keyed=True),
        ]
    third = len(KEY) // 3
    assert not any(KEY[start : start + third] in str(fault) for fault in faults for start in range(len(KEY) - third))


async def test_cookies_are_neither_kept_nor_returned() -> None:
    """What a server sets is in no capture and in no later request."""
    async with running() as server:
        server.answers["/a"] = ok(b"x", "Set-Cookie: session=1; Path=/", "Connection: close", "X-Kept: 1")
        async with Fetcher(FetchSettings("t"), server.host.__eq__, [server.host]) as fetcher:
            first = await fetcher.page(f"{server.url}/a")
            await fetcher.page(f"{server.url}/a")
    assert "session" not in str(first.headers)
    assert ("X-Kept", "1") in first.headers
    assert not any("cookie" in headers for _, headers in server.requests)


# Answers without end


class Flood:
    """Writes the same bytes for ever, and knows how many it got rid of."""

    def __init__(self, head: bytes, again: bytes, pause: float = 0.0) -> None:
        self.head, self.again, self.pause = head, again, pause
        self.sent = 0

    async def __call__(self, _path: str, _headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        """Write until the other side has enough."""
        writer.write(self.head)
        try:
            while True:
                writer.write(self.again)
                self.sent += len(self.again)
                await writer.drain()
                await asyncio.sleep(self.pause)
        except ConnectionError:
            return


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MIB = 1 << 20


@pytest.mark.parametrize(
    "head, again, kind",
    [
        (OK + b"X-Long: ", b"x" * 4096, FaultKind.PROTOCOL),
        (OK, b"X-More: 1\r\n" * 100, FaultKind.PROTOCOL),
        (OK + b"\r\n", b"x" * 4096, FaultKind.OVER_LIMIT),
        (OK + b"Content-Length: 9999999999\r\n\r\n", b"x" * 4096, FaultKind.OVER_LIMIT),
        (CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n", FaultKind.OVER_LIMIT),
        (CHUNKED, b"1\r\nx\r\n" * 1000, FaultKind.OVER_LIMIT),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x"), b"\x00" * 4096, FaultKind.OVER_LIMIT),
        (b"HTTP/1.1 503 Busy\r\n\r\n", b"x" * 4096, FaultKind.UNAVAILABLE),
        (b"HTTP/1.1 503 Busy\r\nContent-Encoding: br\r\n\r\n", b"x" * 4096, FaultKind.UNAVAILABLE),
        (b"HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n", b"x" * 4096, FaultKind.REDIRECT_LOOP),
    ],
    ids=["header", "headers", "body", "length", "chunks", "tiny chunks", "after gzip", "error", "br error", "redirect"],
)
async def test_what_has_no_end_is_cut_off(head: bytes, again: bytes, kind: FaultKind) -> None:
    """Endless headers, bodies, errors and redirects cost a bounded number of bytes."""
    flood = Flood(head, again)
    async with running() as server:
        server.answers["/a"] = flood
        assert (await fault_of(server, f"{server.url}/a", max_page_bytes=MIB)).kind is kind
    assert flood.sent < 32 * MIB  # our limit, and what the buffers of two sockets hold


@pytest.mark.parametrize(
    "head, again",
    [
        (b"", b"H"),
        (OK, b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"1;", b"extension"),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"X"),
        (OK + b"\r\n", b"x"),
    ],
    ids=["status", "header", "continue", "hints", "chunks", "extension", "trailer", "body"],
)
async def test_what_drips_is_given_up(head: bytes, again: bytes) -> None:
    """An answer that keeps sending a little, so that no single read takes long, ends all the same."""
    async with running() as server:
        server.answers["/a"] = Flood(head, again, pause=0.01)
        fault = await fault_of(server, f"{server.url}/a", read_timeout=0.3, connect_timeout=0.3)
    assert fault.kind in (FaultKind.READ_TIMEOUT, FaultKind.PROTOCOL)


async def test_ten_thousand_headers_are_too_many() -> None:
    """A head with more headers than any server sends is refused, not stored."""
    async with running() as server:
        server.answers["/a"] = ok(b"x", *(f"X-{number}: 1" for number in range(10_000)))
        assert (await fault_of(server, f"{server.url}/a")).kind is FaultKind.PROTOCOL


# Bodies that are not what they say


def bomb(wbits: int) -> bytes:
    """Return 64 MiB of nothing, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(64)) + packer.flush()


@pytest.mark.parametrize(
    "body, headers, kind",
    [
        (bomb(31), ["Content-Encoding: gzip"], FaultKind.OVER_LIMIT),
        (bomb(15), ["Content-Encoding: deflate"], FaultKind.OVER_LIMIT),
        (gzip.compress(b"x") + bomb(31), ["Content-Encoding: gzip"], FaultKind.OVER_LIMIT),
        (gzip.compress(bomb(31)), ["Content-Encoding: gzip, gzip"], FaultKind.BAD_ENCODING),
        (gzip.compress(bomb(31)), ["Content-Encoding: gzip", "Content-Encoding: gzip"], FaultKind.BAD_ENCODING),
        (gzip.compress(b"x"), ["Content-Encoding: identity", "Content-Encoding: gzip"], FaultKind.BAD_ENCODING),
        (b"x", ["Content-Encoding: br"], FaultKind.BAD_ENCODING),
        (b"x", ["Content-Encoding: zstd"], FaultKind.BAD_ENCODING),
        (b"x", ["Content-Encoding: \x1b]0;x"], FaultKind.BAD_ENCODING),
        (b"\x1f\x8b\x08\x00 not gzip at all", ["Content-Encoding: gzip"], FaultKind.BAD_ENCODING),
        (gzip.compress(b"x" * 999)[:-4], ["Content-Encoding: gzip"], FaultKind.SHORT_BODY),
        (b"x", ["Content-Length: 5", "Connection: close"], FaultKind.SHORT_BODY),
        (b"x", ["Content-Length: -1"], FaultKind.PROTOCOL),
        (b"x", ["Content-Length: 1", "Content-Length: 2"], FaultKind.PROTOCOL),
        (b"x", ["Content-Length: 1", "Transfer-Encoding: chunked"], FaultKind.PROTOCOL),
        (b"zz\r\nx\r\n", ["Transfer-Encoding: chunked"], FaultKind.PROTOCOL),
        (b"fffffffffffffffff\r\nx\r\n", ["Transfer-Encoding: chunked"], FaultKind.PROTOCOL),
    ],
    ids=[
        "gzip", "deflate", "second member", "nested", "nested in two headers", "behind identity", "brotli", "zstd",
        "escape", "damaged", "cut gzip", "short", "negative length", "two lengths", "length and chunks", "no number",
        "overflow",
    ],
)  # fmt: skip
async def test_bombs_and_lies_are_faults(body: bytes, headers: list[str], kind: FaultKind) -> None:
    """Bombs stop at the limit; nested, unknown and damaged encodings and lengths that lie are refused."""
    async with running() as server:
        server.answers["/a"] = ok(body, *headers)
        assert (await fault_of(server, f"{server.url}/a", max_page_bytes=MIB)).kind is kind


async def test_members_of_a_gzip_body_are_all_read() -> None:
    """A body compressed in pieces comes whole, and padding behind it means nothing (RFC 1952, 2.2)."""
    async with running() as server:
        packed = b"".join(gzip.compress(b"part %d " % number) for number in range(3))
        server.answers["/a"] = ok(packed + bytes(100), "Content-Encoding: gzip")
        assert (await ask(server, f"{server.url}/a")).body == b"part 0 part 1 part 2 "


async def kept_open(answer: Callable[[int, bytes], bytes]) -> tuple[asyncio.Server, list[bytes]]:
    """Start a server that keeps its connections open and answers request after request; b'' hangs up."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in count():
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            asked.append(head.split(b" ")[1])
            said = answer(number, asked[-1])
            if not said:
                break
            writer.write(said)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0), asked


async def test_an_answer_cannot_bring_the_next_one_along() -> None:
    """Bytes behind the announced length are not taken for the answer to the next request."""

    def answer(_number: int, path: bytes) -> bytes:
        return ok(b"true") + (ok(b"forged") if path == b"/first" else b"")

    server, _ = await kept_open(answer)
    async with server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Fetcher(FetchSettings("t"), host.__eq__, [host]) as fetcher:
            bodies = []
            for path in ("first", "second", "third"):
                try:
                    bodies.append((await fetcher.page(f"http://{host}/{path}")).body)
                except Fault as fault:
                    bodies.append(fault.kind.value.encode())
    assert b"forged" not in bodies
    assert bodies[0] == b"true"


async def test_a_dropped_connection_is_not_asked_twice_behind_our_back() -> None:
    """Every request that the server sees is one that we counted and paced: nothing is repeated silently."""
    server, asked = await kept_open(lambda number, _path: ok(b"x") if number == 0 else b"")
    async with server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Fetcher(FetchSettings("t"), host.__eq__, [host]) as fetcher:
            await fetcher.page(f"http://{host}/first")
            with pytest.raises(Fault) as caught:
                await fetcher.page(f"http://{host}/second")
            assert caught.value.kind is FaultKind.CONNECTION_RESET
            assert fetcher.requests == len(asked) == 2


async def test_a_proxy_may_be_on_this_machine() -> None:
    """The operator's own proxy is asked for the whole address, wherever it listens."""
    async with running() as proxy:
        proxy.answers["http://cms.example/a"] = ok(b"by proxy")
        settings = FetchSettings("t", proxy=proxy.url)
        async with Fetcher(settings, "cms.example".__eq__) as fetcher:
            assert (await fetcher.page("http://cms.example/a")).body == b"by proxy"


async def test_the_password_of_a_proxy_is_not_told() -> None:
    """A proxy that refuses the way to a host is reported by its status and its words, not by its own address."""
    async with running() as proxy:
        proxy.answers["cms.example:443"] = b"HTTP/1.1 407 Who Are You\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        settings = FetchSettings("t", proxy=proxy.url.replace("//", "//me:topsecret@"))
        async with Fetcher(settings, "cms.example".__eq__) as fetcher:
            with pytest.raises(Fault) as caught:
                await fetcher.page("https://cms.example/a")
    assert caught.value.kind is FaultKind.PROTOCOL
    assert str(caught.value) == "the proxy opened no way to the host (407, Who Are You)"


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.InvalidURL("http://me:topsecret@proxy.example:x/"),
        aiohttp.ClientConnectionError("no TLS through http://me:topsecret@proxy.example:3128"),
        ValueError("http://me:top@topsecret@proxy.example cannot be requested"),
    ],
)
def test_no_error_tells_the_credentials_of_an_address(error: Exception) -> None:
    """Whatever else the library says of an address, its user and password are left out."""
    said = str(translated(error))
    assert "topsecret" not in said
    assert "//proxy.example" in said


async def test_connect_to_is_not_a_way_round_the_list_of_hosts() -> None:
    """A rule says where a host is reached, not that it may be fetched."""
    async with running() as server:
        rule = ConnectTo("", 0, "127.0.0.1", server.port)
        async with Fetcher(FetchSettings("t", connect_to=(rule,)), "cms.example".__eq__) as fetcher:
            with pytest.raises(Fault) as caught:
                await fetcher.page("http://elsewhere.example/a")
    assert caught.value.kind is FaultKind.HOST_REFUSED
    assert not server.requests
