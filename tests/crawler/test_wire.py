"""Requests as they go over the wire, and answers as they come, by a server that shows every byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from crawler.wire import Wire


@asynccontextmanager
async def listening(answers: list[bytes]) -> AsyncIterator[tuple[str, list[bytes], list[int]]]:
    """Serve these answers, one a request, an empty one by closing.

    Yields the address, what was asked, and by which connection.
    """
    asked: list[bytes] = []
    by: list[int] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        mine = connections
        try:
            while answers:
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                by.append(mine)
                if not (said := answers.pop(0)):
                    return
                writer.write(said)
                await writer.drain()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", asked, by
    server.close()


@asynccontextmanager
async def opened(proxy: str = "") -> AsyncIterator[Wire]:
    """A wire."""
    wire = Wire(aiohttp.TCPConnector(), user_agent="backfile/test", connect_timeout=5, read_timeout=5, proxy=proxy)
    yield wire
    await wire.close()


def answer(body: bytes, *more: bytes, status: bytes = b"200 OK") -> bytes:
    """Write an answer."""
    head = b"".join(line + b"\r\n" for line in (b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *more))
    return head + b"\r\n" + body


async def test_a_request_holds_what_it_should_and_nothing_else() -> None:
    """Target, host, who asks and the given headers, each on a line; the second goes over the same connection."""
    async with listening([answer(b"one"), answer(b"two")]) as (address, asked, by), opened() as wire:
        for path in ("/a?b=c%20d#part", ""):
            with await wire.get(f"{address}{path}", {"Accept": "image/*"}) as reply:
                assert (reply.status, await reply.content.read()) in ((200, b"one"), (200, b"two"))
    host = address.removeprefix("http://").encode()
    rest = b"Host: %s\r\nUser-Agent: backfile/test\r\nAccept: image/*\r\n\r\n" % host
    assert asked == [b"GET /a?b=c%20d HTTP/1.1\r\n" + rest, b"GET / HTTP/1.1\r\n" + rest]
    assert by == [1, 1]


async def test_a_body_that_is_not_read_costs_its_connection() -> None:
    """What is left of one answer is never taken for the next."""
    async with listening([answer(b"x" * 10)[:-5], answer(b"two")]) as (address, _, by), opened() as wire:
        with await wire.get(f"{address}/a", {}):
            pass
        with await wire.get(f"{address}/b", {}) as reply:
            assert await reply.content.read() == b"two"
    assert by == [1, 2]


@pytest.mark.parametrize("status", [b"304 Not Modified", b"204 No Content"])
@pytest.mark.parametrize("announced", [b"Content-Length: 9", b"Transfer-Encoding: chunked"])
async def test_a_body_that_may_not_come_costs_its_connection(status: bytes, announced: bytes) -> None:
    """These answers have none (RFC 9112, 6.3); what comes after one that announces one is never taken for the next."""
    head = b"HTTP/1.1 %s\r\n%s\r\n\r\n" % (status, announced)
    plain = b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status
    async with listening([plain, head, answer(b"two")]) as (address, _, by), opened() as wire:
        for path in ("/a", "/b"):
            with await wire.get(address + path, {}) as reply:
                assert await reply.content.read() == b""
        with await wire.get(f"{address}/c", {}) as reply:
            assert await reply.content.read() == b"two"
    assert by == [1, 1, 2]


async def test_what_comes_unasked_is_no_answer() -> None:
    """A second answer to one request is not taken for that to the next, which goes over another connection."""
    unasked = asyncio.Event()
    left: asyncio.Queue[None] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        writer.write(answer(target))
        await unasked.wait()
        writer.write(answer(b"unasked"))
        await reader.read()
        writer.close()
        left.put_nowait(None)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with opened() as wire:
        with await wire.get(f"{address}/one", {}) as reply:
            assert await reply.content.read() == b"/one"
            connection = reply._connection
        unasked.set()
        while connection.protocol is None or not connection.protocol.should_close:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
        with await wire.get(f"{address}/two", {}) as reply:
            assert await reply.content.read() == b"/two"
    server.close()
    for _ in range(2):
        await left.get()


async def test_a_connection_that_waits_too_long_is_closed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run over many hosts does not keep a connection to each that it has asked."""
    monkeypatch.setattr("crawler.wire._KEPT_ALIVE", 0.0)
    async with (
        listening([answer(b"one")]) as (first, _, _),
        listening([answer(b"two")]) as (second, _, _),
        opened() as wire,
    ):
        with await wire.get(f"{first}/a", {}) as reply:
            await reply.content.read()
            connection = reply._connection
        assert not connection.closed
        with await wire.get(f"{second}/b", {}):
            assert connection.closed


async def test_what_announces_an_answer_is_none() -> None:
    """Interim answers are passed over (RFC 9110, 15.2)."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with (
        listening([early + answer(b"it")]) as (address, _, _),
        opened() as wire,
    ):
        with await wire.get(f"{address}/a", {}) as reply:
            assert (reply.status, await reply.content.read()) == (200, b"it")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\r", "a\0"])
async def test_a_header_does_not_become_two(value: str) -> None:
    """A validator that a server sent with a line end in it is not sent back; nothing is."""
    async with listening([answer(b"")]) as (address, asked, _), opened() as wire:
        with pytest.raises(ValueError, match="end its line"):
            await wire.get(f"{address}/a", {"If-None-Match": value, "Accept": "*/*"})
    assert asked == []


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: 1", "/é", "/a\tb"])
async def test_a_target_does_not_end_its_line(target: str) -> None:
    """What is not made of printable ASCII is refused."""
    async with listening([answer(b"")]) as (address, asked, _), opened() as wire:
        with pytest.raises(ValueError, match="cannot be requested"):
            await wire.get(address + target, {})
    assert asked == []


async def test_a_header_with_any_bytes_goes_back_as_it_came() -> None:
    """A server's ETag need not be UTF-8."""
    async with listening([answer(b"", b'ETag: "\xe9"'), answer(b"")]) as (address, asked, _), opened() as wire:
        with await wire.get(f"{address}/a", {}) as reply:
            tag = reply.headers["ETag"]
        with await wire.get(f"{address}/a", {"If-None-Match": tag}):
            pass
    assert b'If-None-Match: "\xe9"\r\n' in asked[1]


async def test_a_proxy_is_told_the_whole_address_and_who_we_are() -> None:
    """Credentials in the proxy's own address go to it, and to nobody else (RFC 9110, 11.7.1)."""
    async with (
        listening([answer(b"it")]) as (address, asked, _),
        opened(address.replace("//", "//me:secret@")) as wire,
    ):
        with await wire.get("http://cms.example/a?b", {}) as reply:
            assert await reply.content.read() == b"it"
    assert asked[0].startswith(b"GET http://cms.example/a?b HTTP/1.1\r\nHost: cms.example\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in asked[0]


async def test_a_server_that_closes_is_no_answer() -> None:
    """A connection that ends before the head is the library's error, once: nothing is sent a second time."""
    async with listening([answer(b"one"), b"", answer(b"two")]) as (address, asked, _), opened() as wire:
        with await wire.get(f"{address}/a", {}) as reply:
            await reply.content.read()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await wire.get(f"{address}/b", {})
    assert len(asked) == 2
