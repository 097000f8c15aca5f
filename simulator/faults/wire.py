"""Faults of the connection: resets, silence, trickles, bodies that end too early."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from simulator.faults.visit import Visit

SILENCE = 3600.0  # seconds; far beyond any client's patience, ended by its hanging up
_FLUSH = 0.03  # seconds for the first half to leave before the connection breaks


def _break(visit: Visit) -> None:
    """Send RST instead of an orderly end."""
    transport = visit.request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _begin(visit: Visit, share: int, declared: bool) -> web.StreamResponse:
    """Send the headers and the first part of the genuine body."""
    genuine, body = await visit.body()
    response = web.StreamResponse(status=genuine.status, headers={"Content-Type": genuine.content_type})
    if declared:
        response.content_length = len(body)
    else:
        response.enable_chunked_encoding()
    await response.prepare(visit.request)
    await response.write(body[: max(1, len(body) // share)])
    await asyncio.sleep(_FLUSH)
    return response


async def reset(visit: Visit) -> web.StreamResponse:
    """Break the connection without an answer."""
    _break(visit)
    return web.Response(status=500)


async def reset_mid_body(visit: Visit) -> web.StreamResponse:
    """Break the connection in the middle of the body."""
    response = await _begin(visit, 2, declared=True)
    _break(visit)
    return response


async def short_body(visit: Visit) -> web.StreamResponse:
    """End in good order before the declared length."""
    response = await _begin(visit, 2, declared=True)
    if visit.request.transport is not None:
        visit.request.transport.close()
    return response


async def chunked_cut(visit: Visit) -> web.StreamResponse:
    """End a chunked body without its last chunk."""
    response = await _begin(visit, 2, declared=False)
    if visit.request.transport is not None:
        visit.request.transport.close()
    return response


async def stall(visit: Visit) -> web.StreamResponse:
    """Accept the request and say nothing."""
    await asyncio.sleep(SILENCE)
    return await visit.genuine()


async def stall_mid_body(visit: Visit) -> web.StreamResponse:
    """Send half of the body and say nothing more."""
    response = await _begin(visit, 2, declared=True)
    await asyncio.sleep(SILENCE)
    return response


async def slow(visit: Visit) -> web.StreamResponse:
    """Send one byte per second."""
    genuine, body = await visit.body()
    response = web.StreamResponse(status=genuine.status, headers={"Content-Type": genuine.content_type})
    response.content_length = len(body)
    await response.prepare(visit.request)
    for place in range(len(body)):
        await response.write(body[place : place + 1])
        await asyncio.sleep(1)
    return response
