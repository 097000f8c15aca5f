"""A server that writes exactly the bytes a test gives it, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Handler = Callable[[str, dict[str, str], asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server that writes exactly the bytes a test gives it."""

    def __init__(self) -> None:
        """Begin without answers."""
        self.answers: dict[str, bytes | Handler] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.port = 0
        self.busy: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self.busy.add(task)
        task.add_done_callback(self.busy.discard)
        first = await reader.read(1)
        if first == b"\x16":  # a TLS handshake, of which this server knows nothing
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()
            return
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if ": " in line}
        self.requests.append((path, headers))
        answer = self.answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        if isinstance(answer, bytes):
            writer.write(answer)
        else:
            await answer(path, headers, writer)
        writer.close()


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server on a free port, with TLS where a context is given."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
        if server.busy:
            await asyncio.wait(server.busy)


def ok(body: bytes, *headers: str) -> bytes:
    """Return a whole answer."""
    lines = [b"HTTP/1.1 200 OK", *(header.encode() for header in headers)]
    if not any(header.lower().startswith(("content-length", "transfer")) for header in headers):
        lines.append(f"Content-Length: {len(body)}".encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def redirect(location: str) -> bytes:
    """Return a redirect."""
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
