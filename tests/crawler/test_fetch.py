"""The one door to the network, tried against a real server that behaves badly on purpose."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate

import pytest

from crawler.errors import Fault, FaultKind
from crawler.fetch import Answer, Fetcher, FetchSettings
from crawler.network import ConnectTo
from tests.security.server import Handler, Server, ok, redirect, running


async def get(server: Server, path: str, **settings: object) -> Answer:
    """Fetch a path of the server."""
    chosen = FetchSettings(user_agent="backfile test", **settings)  # type: ignore[arg-type]
    async with Fetcher(chosen, lambda host: host == server.host, [server.host]) as fetcher:
        return await fetcher.page(server.url + path)


async def fault_of(server: Server, path: str, **settings: object) -> Fault:
    """Return the Fault that fetching a path raises."""
    with pytest.raises(Fault) as caught:
        await get(server, path, **settings)
    return caught.value


class Waited:
    """A sink that says when something has come."""

    def __init__(self) -> None:
        self.body = b""
        self.came = asyncio.Event()

    def write(self, chunk: bytes, /) -> None:
        """Keep the next part."""
        self.body += chunk
        self.came.set()


async def media(server: Server, path: str, sink: Waited, conditions: dict[str, str] | None = None) -> Answer:
    """Fetch a path of the server into a sink."""
    settings = FetchSettings(user_agent="backfile test", read_timeout=2)
    async with Fetcher(settings, lambda _: True, [server.host]) as fetcher:
        return await fetcher.media(server.url + path, sink, conditions or {})


def in_two(first: bytes, sink: Waited, second: bytes) -> Handler:
    """Return a handler that writes the second part once the sink has something of the first."""

    async def write(_path: str, _headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await sink.came.wait()
        writer.write(second)

    return write


async def test_an_answer_has_everything_a_capture_needs() -> None:
    """Status, headers in order, type, body and times arrive."""
    async with running() as server:
        server.answers["/a"] = ok(b"hello", "Content-Type: text/html; charset=utf-8", "X-Twice: 1", "X-Twice: 2")
        answer = await get(server, "/a")
    assert (answer.status, answer.media_type, answer.body) == (200, "text/html", b"hello")
    assert [value for name, value in answer.headers if name == "X-Twice"] == ["1", "2"]
    assert server.requests[0][1]["user-agent"] == "backfile test"


async def test_a_media_type_is_text_whatever_the_server_sends() -> None:
    """A byte that no media type has is not taken into it: no database would keep it."""
    async with running() as server:
        server.answers["/a"] = b"HTTP/1.1 200 OK\r\nContent-Type: Image/JP\xffG ; q=1\r\nContent-Length: 1\r\n\r\na"
        answer = await get(server, "/a")
    assert answer.media_type == "image/jp\ufffdg"


async def test_urls_go_out_exactly_as_given() -> None:
    """A signed path keeps its parentheses, equal signs, colons and escapes on the wire."""
    path = "/i/eeTu-Bo_E=/200x100/smart/filters:strip_exif():x(1,2)/file/a%20b%2Fc.jpg?x=%41;y"
    async with running() as server:
        server.answers[path] = ok(b"x")
        await get(server, path)
    assert server.requests[0][0] == path


@pytest.mark.parametrize(
    "status, kind",
    [
        ("401 Unauthorized", FaultKind.HTTP_STATUS),
        ("403 Forbidden", FaultKind.BOT_WALL),
        ("404 Not Found", FaultKind.NOT_FOUND),
        ("410 Gone", FaultKind.GONE),
        ("418 Teapot", FaultKind.HTTP_STATUS),
        ("429 Slow", FaultKind.RATE_LIMITED),
        ("500 Oops", FaultKind.SERVER_ERROR),
        ("502 Bad", FaultKind.SERVER_ERROR),
        ("503 Busy", FaultKind.UNAVAILABLE),
        ("504 Late", FaultKind.SERVER_ERROR),
    ],
)
async def test_each_status_is_a_fault_of_its_own(status: str, kind: FaultKind) -> None:
    """Every status that is no success becomes the fault it stands for."""
    async with running() as server:
        server.answers["/a"] = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n".encode()
        fault = await fault_of(server, "/a")
    assert (fault.kind, fault.http_status, fault.retry_after) == (kind, int(status[:3]), 7.0)


async def test_a_short_body_is_a_fault() -> None:
    """A body shorter than its Content-Length is not an answer."""
    async with running() as server:
        server.answers["/a"] = ok(b"half", "Content-Length: 8")
        assert (await fault_of(server, "/a")).kind is FaultKind.SHORT_BODY


async def test_a_cut_chunked_body_is_a_fault() -> None:
    """A chunked body without its last chunk is not an answer."""
    async with running() as server:
        server.answers["/a"] = ok(b"4\r\nhalf\r\n", "Transfer-Encoding: chunked")
        assert (await fault_of(server, "/a")).kind is FaultKind.SHORT_BODY


async def test_a_gzip_body_is_decoded_and_a_cut_one_is_a_fault() -> None:
    """Compression is undone while streaming, and must come to its end."""
    packed = gzip.compress(b"hello" * 1000)
    async with running() as server:
        server.answers["/whole"] = ok(packed, "Content-Encoding: gzip")
        server.answers["/cut"] = ok(packed[:-9], "Content-Encoding: gzip")
        assert (await get(server, "/whole")).body == b"hello" * 1000
        assert (await fault_of(server, "/cut")).kind is FaultKind.SHORT_BODY


async def test_a_gzip_body_goes_on_wherever_it_is_cut() -> None:
    """A second member is decoded though only the first byte of it came with the end of the first."""
    one, two = gzip.compress(b"one"), gzip.compress(b"two")
    head = ok(b"", "Content-Encoding: gzip", f"Content-Length: {len(one + two)}")
    sink = Waited()
    async with running() as server:
        server.answers["/a"] = in_two(head + one + two[:1], sink, two[1:])
        await media(server, "/a", sink)
    assert sink.body == b"onetwo"


@pytest.mark.parametrize("rest", [b"", b"\x1f", b"\x1fx", b"\0\0"])
async def test_what_follows_the_last_gzip_member_means_nothing(rest: bytes) -> None:
    """Garbage after a gzip body is left out, even half the mark of a member that never comes."""
    async with running() as server:
        server.answers["/a"] = ok(gzip.compress(b"one") + rest, "Content-Encoding: gzip")
        assert (await get(server, "/a")).body == b"one"


async def test_a_body_that_lasts_until_the_close_ends_there() -> None:
    """Without a length and without chunks, a body is whole when the server closes the connection."""
    async with running() as server:
        server.answers["/a"] = b"HTTP/1.1 200 OK\r\n\r\nwhole"
        assert (await get(server, "/a")).body == b"whole"


async def test_a_body_that_lasts_until_the_close_does_not_end_with_a_reset() -> None:
    """Without a length and without chunks, a body is short when the connection breaks, however much of it came."""
    sink = Waited()

    async def reset(_path: str, _headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await sink.came.wait()
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    async with running() as server:
        server.answers["/a"] = reset
        with pytest.raises(Fault) as caught:
            await media(server, "/a", sink)
    assert (caught.value.kind, sink.body) == (FaultKind.SHORT_BODY, b"half")


async def test_a_part_that_nobody_asked_for_is_a_fault() -> None:
    """A 206 is not kept for the whole, and the message says what part it is."""
    async with running() as server:
        server.answers["/a"] = b"HTTP/1.1 206 Part\r\nContent-Range: bytes 0-3/90\r\nContent-Length: 4\r\n\r\n%PDF"
        fault = await fault_of(server, "/a")
    assert fault.kind is FaultKind.SHORT_BODY
    assert "206" in str(fault)
    assert "bytes 0-3/90" in str(fault)


@pytest.mark.parametrize(
    "status, kind",
    [("404 No", FaultKind.NOT_FOUND), ("429 Slow", FaultKind.RATE_LIMITED), ("503 Busy", FaultKind.UNAVAILABLE)],
)
@pytest.mark.parametrize("framing", ["Content-Length: 50", "Transfer-Encoding: chunked"])
async def test_a_refusal_stands_though_its_body_breaks_off(status: str, kind: FaultKind, framing: str) -> None:
    """What a status says, and how long to stay away, holds whatever becomes of the body."""
    async with running() as server:
        server.answers["/a"] = f"HTTP/1.1 {status}\r\nRetry-After: 120\r\n{framing}\r\n\r\n4\r\nbusy\r\n".encode()
        fault = await fault_of(server, "/a")
    assert (fault.kind, fault.http_status, fault.retry_after) == (kind, int(status[:3]), 120.0)


async def test_a_broken_chunk_is_a_protocol_fault_at_once() -> None:
    """Nobody waits for the rest of a body after a chunk of it that cannot be read."""
    sink = Waited()
    left = asyncio.Event()

    async def broken(_path: str, _headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        writer.write(ok(b"5\r\nhello\r\n", "Transfer-Encoding: chunked"))
        await sink.came.wait()
        writer.write(b"ZZ\r\n")
        await left.wait()

    async with running() as server:
        server.answers["/a"] = broken
        with pytest.raises(Fault) as caught:
            await media(server, "/a", sink)
        left.set()
    assert (caught.value.kind, sink.body) == (FaultKind.PROTOCOL, b"hello")


async def test_a_gzip_bomb_costs_no_more_than_the_limit() -> None:
    """A body that unpacks beyond the limit is refused while it streams."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(bomb.compress(b"\x00" * (1 << 20)) for _ in range(64)) + bomb.flush()
    async with running() as server:
        server.answers["/a"] = ok(packed, "Content-Encoding: gzip")
        assert (await fault_of(server, "/a", max_page_bytes=1 << 20)).kind is FaultKind.OVER_LIMIT


async def test_an_encoding_nobody_asked_for_is_a_fault() -> None:
    """A brotli label on a body we cannot decode is refused."""
    async with running() as server:
        server.answers["/a"] = ok(b"\x1b\x00", "Content-Encoding: br")
        assert (await fault_of(server, "/a")).kind is FaultKind.BAD_ENCODING


async def test_a_body_over_the_limit_is_a_fault() -> None:
    """A plain body beyond the limit is refused."""
    async with running() as server:
        server.answers["/a"] = ok(b"x" * 2000)
        assert (await fault_of(server, "/a", max_page_bytes=1000)).kind is FaultKind.OVER_LIMIT


async def test_a_silent_server_is_a_read_timeout() -> None:
    """A server that accepts and says nothing is given up in time."""
    gate = asyncio.Event()

    async def silent(_path: str, _headers: dict[str, str], _writer: asyncio.StreamWriter) -> None:
        await gate.wait()

    async with running() as server:
        server.answers["/a"] = silent
        assert (await fault_of(server, "/a", read_timeout=0.05)).kind is FaultKind.READ_TIMEOUT
        gate.set()


async def test_a_closed_port_is_connection_refused() -> None:
    """Nobody listening is told apart from other trouble."""
    async with running() as server:
        port = server.port
    closed = Server()
    closed.port = port
    assert (await fault_of(closed, "/a")).kind is FaultKind.CONNECTION_REFUSED


async def test_a_reset_is_a_fault() -> None:
    """A connection closed without an answer is a reset."""
    async with running() as server:
        server.answers["/a"] = b""
        assert (await fault_of(server, "/a")).kind is FaultKind.CONNECTION_RESET


async def test_garbage_is_a_protocol_fault() -> None:
    """What is not HTTP is said to be so."""
    async with running() as server:
        server.answers["/a"] = b"SSH-2.0-OpenSSH_9.2\r\n\r\n"
        assert (await fault_of(server, "/a")).kind is FaultKind.PROTOCOL


async def test_tls_to_a_server_without_it_is_a_tls_fault() -> None:
    """A handshake that fails is a TLS fault."""
    async with running() as server, Fetcher(FetchSettings("t"), lambda _: True, [server.host]) as fetcher:
        with pytest.raises(Fault) as caught:
            await fetcher.page(f"https://127.0.0.1:{server.port}/a")
    assert caught.value.kind in (FaultKind.TLS, FaultKind.CONNECTION_RESET)


async def test_a_name_without_an_address_is_a_dns_fault() -> None:
    """A host name that nobody knows is a DNS fault."""
    async with Fetcher(FetchSettings("t"), lambda _: True) as fetcher:
        with pytest.raises(Fault) as caught:
            await fetcher.page("http://nobody.invalid/")
    assert caught.value.kind is FaultKind.DNS


async def test_a_stranger_that_leads_home_is_refused() -> None:
    """A host outside the configuration that resolves to this machine is never connected to."""
    async with running() as server, Fetcher(FetchSettings("t"), lambda _: True) as fetcher:
        with pytest.raises(Fault) as caught:
            await fetcher.page(f"http://localhost:{server.port}/a")
    assert caught.value.kind is FaultKind.ADDRESS_REFUSED
    assert not server.requests


async def test_hosts_outside_the_configuration_are_never_asked() -> None:
    """A URL of another host is refused before any connection is made."""
    async with Fetcher(FetchSettings("t"), lambda _: False) as fetcher:
        with pytest.raises(Fault) as caught:
            await fetcher.page("http://elsewhere.example/")
    assert caught.value.kind is FaultKind.HOST_REFUSED


async def test_redirects_are_followed_within_the_configuration() -> None:
    """A redirect is followed, and the answer says where it came from."""
    async with running() as server:
        server.answers["/a"] = redirect("/b")
        server.answers["/b"] = ok(b"there")
        answer = await get(server, "/a")
    assert (answer.url, answer.body) == (f"{server.url}/b", b"there")


@pytest.mark.parametrize(
    "location", ["http://elsewhere.example/", "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://x/"]
)
async def test_redirects_out_of_the_configuration_are_refused(location: str) -> None:
    """A redirect to a stranger, to a private address or to another scheme is not followed."""
    async with running() as server:
        server.answers["/a"] = redirect(location)
        assert (await fault_of(server, "/a")).kind is FaultKind.REDIRECT_REFUSED


async def test_redirect_loops_end() -> None:
    """A loop is given up after a few hops; a page that redirects to itself at once."""
    async with running() as server:
        server.answers["/a"] = redirect("/b")
        server.answers["/b"] = redirect("/a")
        server.answers["/self"] = redirect("/self")
        assert (await fault_of(server, "/a")).kind is FaultKind.REDIRECT_LOOP
        assert (await fault_of(server, "/self")).kind is FaultKind.REDIRECT_LOOP
    assert len(server.requests) <= 8


async def test_conditions_stay_with_their_url() -> None:
    """What we hold of one URL is not said to be unchanged by the URL that it redirects to."""
    unchanged = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    conditions = {"If-None-Match": '"x"', "If-Modified-Since": "Tue, 01 Mar 2022 00:00:00 GMT"}
    async with running() as server:
        server.answers["/x"] = redirect("/another")
        server.answers["/another"] = unchanged
        server.answers["/same"] = unchanged
        assert (await media(server, "/same", Waited(), conditions)).status == 304
        with pytest.raises(Fault) as caught:
            await media(server, "/x", Waited(), conditions)
    assert caught.value.kind is FaultKind.HTTP_STATUS
    asked = [sorted({"if-none-match", "if-modified-since"} & headers.keys()) for _, headers in server.requests]
    assert asked == [["if-modified-since", "if-none-match"], ["if-modified-since", "if-none-match"], []]


@pytest.mark.parametrize(
    "odd",
    [
        b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\nhello",
    ],
    ids=["412", "304 with a body", "304 in chunks", "304 with a body unannounced"],
)
async def test_a_server_that_cannot_cope_with_conditions_is_asked_without(odd: bytes) -> None:
    """What we hold does not fail for the conditions that we ask with: the whole is fetched, in a turn of its own."""
    turns: list[str] = []

    @asynccontextmanager
    async def turn(host: str) -> AsyncIterator[None]:
        turns.append(host)
        yield

    async def answer(_path: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        writer.write(odd if "if-none-match" in headers else ok(b"whole"))

    sink = Waited()
    async with running() as server:
        server.answers["/a"] = answer
        async with Fetcher(FetchSettings("t"), lambda _: True, [server.host], turn) as fetcher:
            found = await fetcher.media(f"{server.url}/a", sink, {"If-None-Match": '"x"'})
    assert (found.status, sink.body, turns) == (200, b"whole", [server.host])


async def test_a_server_that_fails_a_condition_which_it_was_not_given_fails() -> None:
    """Without conditions there is nothing to leave out: a 412 is a fault, after one request."""
    async with running() as server:
        server.answers["/a"] = b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"
        fault = await fault_of(server, "/a")
    assert (fault.kind, fault.http_status, len(server.requests)) == (FaultKind.HTTP_STATUS, 412, 1)


async def test_the_key_stays_with_its_host() -> None:
    """A redirect to another allowed host is followed without the API key."""
    async with running() as first, running() as second:
        first.answers["/a"] = redirect(f"{second.url}/b")
        second.answers["/b"] = ok(b"{}")
        hosts = {first.host, second.host}
        async with Fetcher(FetchSettings("t"), hosts.__contains__, hosts) as fetcher:
            await fetcher.page(f"{first.url}/a", api_key="secret")
    assert first.requests[0][1]["api-key"] == "secret"
    assert "api-key" not in second.requests[0][1]


async def test_connect_to_leads_real_names_to_another_address() -> None:
    """With connect_to a real URL is fetched, unmodified, from wherever the rule says."""
    async with running() as server:
        server.answers["/a"] = ok(b"x")
        settings = FetchSettings("t", connect_to=(ConnectTo("cdn.example.org", 80, "127.0.0.1", server.port),))
        async with Fetcher(settings, lambda _: True) as fetcher:
            await fetcher.page("http://cdn.example.org/a")
    assert server.requests[0][1]["host"] == "cdn.example.org"


async def test_media_is_streamed_to_its_sink() -> None:
    """A media body goes to the sink, not into memory."""
    received: list[bytes] = []

    class Sink:
        def write(self, chunk: bytes, /) -> None:
            received.append(chunk)

    async with running() as server:
        server.answers["/a"] = ok(b"x" * 300_000, "Content-Type: image/jpeg")
        async with Fetcher(FetchSettings("t"), lambda _: True, [server.host]) as fetcher:
            answer = await fetcher.media(f"{server.url}/a", Sink())
    assert answer.body == b""
    assert b"".join(received) == b"x" * 300_000
    assert len(received) > 1


REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def test_a_key_that_was_refused_is_sent_nowhere_again() -> None:
    """Others may have waited for their turn with the same key: they fail alike, and nothing is asked for."""
    async with running() as server:
        server.answers.update({"/a": REFUSAL, "/b": REFUSAL, "/c": ok(b"open to all")})
        chosen = FetchSettings(user_agent="backfile test")
        async with Fetcher(chosen, lambda host: host == server.host, [server.host]) as fetcher:
            for path in ("/a", "/b"):
                with pytest.raises(Fault, match="the key was refused") as caught:
                    await fetcher.page(server.url + path, api_key="a-key-of-ours")
                assert caught.value.kind is FaultKind.KEY_REFUSED
            assert (await fetcher.page(f"{server.url}/c")).body == b"open to all"
    assert [path for path, _ in server.requests] == ["/a", "/c"]


async def test_a_refused_key_closes_no_door_to_another() -> None:
    """Keys of two APIs on one host are two keys."""
    async with running() as server:
        server.answers.update({"/classic?key=one": REFUSAL, "/other": REFUSAL, "/api": ok(b"{}")})
        chosen = FetchSettings(user_agent="backfile test")
        async with Fetcher(chosen, lambda host: host == server.host, [server.host]) as fetcher:
            with pytest.raises(Fault, match="the key was refused"):
                await fetcher.page(f"{server.url}/classic?key=one", keyed=True)
            with pytest.raises(Fault, match="the key was refused"):
                await fetcher.page(f"{server.url}/other", api_key="another-site's")
            assert (await fetcher.page(f"{server.url}/api", api_key="a-key-of-ours")).body == b"{}"


@pytest.mark.parametrize("ahead", [-7_200, 0, 7_200])
async def test_a_date_to_come_back_at_is_by_the_servers_clock(ahead: float) -> None:
    """However wrong that clock is: what counts is how far the date is from the one it has now."""
    now = time.time() + ahead
    dates = f"Date: {formatdate(now, usegmt=True)}\r\nRetry-After: {formatdate(now + 90, usegmt=True)}"
    async with running() as server:
        server.answers["/a"] = f"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n{dates}\r\n\r\n".encode()
        fault = await fault_of(server, "/a")
    assert fault.retry_after == 90
