"""A newsroom of plain files that is far away: every answer takes a round trip, and a new connection takes one more.

Run: `python -m benchmarks.latency.server FOLDER PORT ROUND_TRIP`. It ends at the end of its standard input, and then
prints what it has seen: requests, connections, and when (of the machine's monotonic clock) the first and last came.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path

_HEAD = "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
_PLACES = (
    (re.compile(r"/cms/content/(\d+)"), r"content/\1.json"),
    (re.compile(r"/cms/publication/1/content\?.*page=(\d+)"), r"list/\1.json"),
    (re.compile(r"/i/[^/]+/(\d+)x0/.*/(\d+\.jpg)"), r"pictures/\1-\2"),
    (re.compile(r"/dailymaverick/.*/(\d+\.jpg)"), r"pictures/original-\1"),
)


class Newsroom:
    """All answers, in memory, and what was asked."""

    def __init__(self, folder: Path, round_trip: float) -> None:
        """Read every file of the newsroom."""
        paths = [path for path in folder.rglob("*") if path.is_file()]
        self.files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        self.round_trip = round_trip
        self.connections = 0
        self.asked_at: list[float] = []

    def answer(self, target: str) -> bytes:
        """Return the whole answer to a request for a target."""
        for pattern, place in _PLACES:
            if found := pattern.fullmatch(target):
                body = self.files.get(found.expand(place))
                if body is not None:
                    kind = "image/jpeg" if target.endswith(".jpg") else "application/json"
                    return _HEAD.format(status="200 OK", kind=kind, length=len(body)).encode() + body
        return _HEAD.format(status="404 Not Found", kind="text/plain", length=0).encode()

    def seen(self) -> str:
        """Return what was asked, as JSON."""
        first, last = (self.asked_at[0], self.asked_at[-1]) if self.asked_at else (0.0, 0.0)
        numbers = {"requests": len(self.asked_at), "connections": self.connections}
        return json.dumps(numbers | {"first": first, "last": last})


class Far(asyncio.Protocol):
    """One connection."""

    def __init__(self, newsroom: Newsroom) -> None:
        """Count it."""
        self._newsroom, self._waiting, self._shaken = newsroom, b"", False
        newsroom.connections += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request when its time has come."""
        *requests, self._waiting = (self._waiting + data).split(b"\r\n\r\n")
        for request in requests:
            self._newsroom.asked_at.append(time.monotonic())
            answer = self._newsroom.answer(request.split(b" ", 2)[1].decode())
            delay = self._newsroom.round_trip * (1 if self._shaken else 2)
            self._shaken = True
            asyncio.get_running_loop().call_later(delay, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def main(folder: Path, port: int, round_trip: float) -> None:
    """Serve until nobody holds our standard input open."""
    newsroom = Newsroom(folder, round_trip)
    server = await asyncio.get_running_loop().create_server(lambda: Far(newsroom), "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    print(newsroom.seen(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
