"""A web server of ours for as long as a block lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from backfile.errors import UsageError

_SHUTDOWN_SECONDS = 2.0  # for answers in hand


@asynccontextmanager
async def served(application: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application; yields the port, which is any free one where 0 was asked for. Raises UsageError."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host} port {port} ({error.strerror or error}); name another with --host or --port"
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
