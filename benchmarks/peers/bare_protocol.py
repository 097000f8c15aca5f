"""As little as Python can do: requests in, bodies counted, nothing kept. Run: `bare_protocol.py FILE_WITH_URLS FOLDER`.

How many whole answers came, and how many bytes their bodies had, is written to FOLDER/counted.json.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

CONCURRENCY = 16


class Reader(asyncio.Protocol):
    """One connection: asks for the next URL when the last answer is whole. Knows Content-Length only."""

    def __init__(self, urls: deque[str], host: str, over: asyncio.Future[None]) -> None:
        """Take from `urls`; `over` is set when there are none left."""
        self.urls, self.host, self.over = urls, host, over
        self.head = b""
        self.missing = -1  # bytes of the body still to come; -1: the head is not whole
        self.answers = self.bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        """Ask for the next URL."""
        if not self.urls:
            self.transport.close()
            if not self.over.done():
                self.over.set_result(None)
            return
        target = self.urls.popleft()
        self.transport.write(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Count."""
        if self.missing < 0:
            self.head += data
            head, found, body = self.head.partition(b"\r\n\r\n")
            if not found:
                return
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().index(b"content-length:") + 15
            self.missing = int(head[length : head.find(b"\r", length)])
            data, self.head = body, b""
        self.missing -= len(data)
        self.bytes += len(data)
        if not self.missing:
            self.missing = -1
            self.answers += 1
            self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        """Let nobody wait for answers that will not come."""
        if not self.over.done():
            self.over.set_exception(error or ConnectionError("the server closed a connection"))


async def main(urls: list[str]) -> tuple[int, int]:
    """Ask for all of them; returns how many answers came, and the bytes of their bodies."""
    loop = asyncio.get_running_loop()
    first = urlsplit(urls[0])
    origin = f"{first.scheme}://{first.netloc}"
    waiting = deque(url.removeprefix(origin) for url in urls)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(CONCURRENCY)]
    readers = []
    for end in ends:
        reader = partial(Reader, waiting, first.netloc, end)
        readers.append((await loop.create_connection(reader, first.hostname or "", first.port or 80))[1])
    await asyncio.gather(*ends)
    return sum(reader.answers for reader in readers), sum(reader.bytes for reader in readers)


if __name__ == "__main__":
    wanted = Path(sys.argv[1]).read_text(encoding="utf-8").split()
    counted = asyncio.run(main(wanted))
    (Path(sys.argv[2]) / "counted.json").write_text(json.dumps(counted), encoding="ascii")
    sys.exit(counted[0] != len(wanted))
