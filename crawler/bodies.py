"""The body of an answer: decoded and limited while it streams, so that a bomb costs no more than the limit."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import aiohttp

from crawler.decoding import Decoder
from crawler.errors import Fault, FaultKind
from crawler.statuses import fault_of_status
from crawler.urls import display
from crawler.wire import Reply

_MIN_RATE = 256  # bytes a second below which an answer is given up once the read time-out has passed
_LONGEST = 3600.0  # seconds after which an answer is given up, however lively
_MAX_ERROR_BYTES = 1 << 16  # read of the body of a refusal, which is only quoted
_PARTIAL_CONTENT = 206


class Sink(Protocol):
    """Where a streamed body goes."""

    def write(self, chunk: bytes, /) -> None:
        """Take the next part."""


async def receive(reply: Reply, sink: Sink | None, limit: int, patience: float) -> bytes:
    """Stream a body to its end, and return what did not go to the sink. Raises Fault for what the status says."""
    pieces: list[bytes] = []
    encodings = ", ".join(reply.headers.getall("Content-Encoding", ()))
    if not 200 <= reply.status < 300:
        # A refusal is one whatever becomes of its body; that is quoted as far as it goes.
        with suppress(Fault, zlib.error, aiohttp.ClientError, OSError):
            await _stream(reply, pieces.append, Decoder(encodings, _MAX_ERROR_BYTES), patience)
        raise fault_of_status(reply.status, reply.headers, b"".join(pieces), time.time())
    if reply.status == _PARTIAL_CONTENT:
        raise _unasked_part(reply)
    decoder = Decoder(encodings, limit)
    await _stream(reply, pieces.append if sink is None else sink.write, decoder, patience)
    decoder.finish()
    return b"".join(pieces)


def _unasked_part(reply: Reply) -> Fault:
    """Return the Fault of a 206, which would be kept for the whole.

    It bears no status, as that of any short body: one of 206 would tell robots.txt's reader that there are no rules.
    """
    part = display(reply.headers.get("Content-Range", "none"), 80)
    return Fault(FaultKind.SHORT_BODY, f"HTTP 206: a part that nobody asked for (Content-Range: {part})")


async def _stream(reply: Reply, write: Callable[[bytes], object], decoder: Decoder, patience: float) -> None:
    """Write a decoded body, as long as it keeps coming. Raises Fault, and the library's errors."""
    if reply.content.is_eof():  # a small one comes with its head
        write(decoder.decode(reply.content.read_nowait()))
        return
    began = time.monotonic()  # as the event loop's clock
    try:
        async with asyncio.timeout_at(began + patience) as deadline:
            async for chunk in reply.content.iter_any():
                write(decoder.decode(chunk))
                deadline.reschedule(_deadline(began, patience, decoder.received))
    except TimeoutError as error:
        raise Fault(
            FaultKind.READ_TIMEOUT, f"only {decoder.received} bytes came in {time.monotonic() - began:.0f} s"
        ) from error


def _deadline(began: float, patience: float, received: int) -> float:
    """Return when an answer must have gone on: no silence is borne for longer, nor a stream of empty promises."""
    longest = min(patience + received / _MIN_RATE, _LONGEST)
    return min(time.monotonic() + patience, began + longest)
