"""Faults of the body: the wrong kind, cut off, empty, too big, or not what the encoding says."""

from __future__ import annotations

import json
import struct
import zlib
from functools import lru_cache

from aiohttp import web

from simulator.faults.visit import CONTENT, MEDIA, Visit, changed

MEGABYTE = 1024 * 1024
_SHAPES: tuple[object, ...] = (
    [],
    {"data": "soon"},
    {"total": "many", "page": None, "data": {"items": 3}},
    {"data": [None, 7]},
    "ok",
)
FLOOD_MEGABYTES, BOMB_MEGABYTES, LARGE_ARTICLE_MEGABYTES = 300, 1024, 50


async def wrong_type(visit: Visit) -> web.StreamResponse:
    """Send the right body under the wrong media type."""
    genuine, body = await visit.body()
    return changed(genuine, body, "text/plain" if visit.kind != MEDIA else "application/octet-stream")


async def html_image(_: Visit) -> web.StreamResponse:
    """Send an error page where a picture should be, with status 200."""
    return web.Response(text="<html><body><h1>Not found</h1></body></html>", content_type="text/html")


async def html_image_typed(_: Visit) -> web.StreamResponse:
    """Send an error page that claims to be a JPEG."""
    return web.Response(body=b"<html><body><h1>Not found</h1></body></html>", content_type="image/jpeg")


async def zero_bytes(visit: Visit) -> web.StreamResponse:
    """Send nothing, in good order."""
    genuine = await visit.genuine()
    return changed(genuine, b"")


async def truncated(visit: Visit) -> web.StreamResponse:
    """Send the first two thirds of a file as if they were all of it."""
    genuine, body = await visit.body()
    return changed(genuine, body[: len(body) * 2 // 3])


async def pixel_bomb(_: Visit) -> web.StreamResponse:
    """Send a small PNG that claims a billion pixels."""
    header = struct.pack(">IIBBBBB", 40_000, 25_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 4096)), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return web.Response(body=b"\x89PNG\r\n\x1a\n" + b"".join(parts), content_type="image/png")


async def _flood(visit: Visit, declared: bool) -> web.StreamResponse:
    genuine, body = await visit.body()
    response = web.StreamResponse(headers={"Content-Type": genuine.content_type})
    if declared:
        response.content_length = len(body) + FLOOD_MEGABYTES * MEGABYTE
    await response.prepare(visit.request)
    await response.write(body)
    for _ in range(FLOOD_MEGABYTES):
        await response.write(b" " * MEGABYTE)
    return response


async def over_limit(visit: Visit) -> web.StreamResponse:
    """Follow the body with 300 MB, undeclared."""
    return await _flood(visit, declared=False)


async def over_limit_declared(visit: Visit) -> web.StreamResponse:
    """Follow the body with 300 MB, and say so."""
    return await _flood(visit, declared=True)


@lru_cache(1)
def _bomb() -> bytes:
    """Return a gzip file of zeros; one flushed block repeats, so that making it costs nothing."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b"\0" * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * BOMB_MEGABYTES + b"\x03\0" + b"\0" * 8


async def gzip_bomb(visit: Visit) -> web.StreamResponse:
    """Send a megabyte that unpacks to a gigabyte."""
    genuine = await visit.genuine()
    response = changed(genuine, _bomb())
    response.headers["Content-Encoding"] = "gzip"
    return response


async def brotli_bomb(visit: Visit) -> web.StreamResponse:
    """Label a body as brotli, which was not asked for and is not what it is."""
    genuine = await visit.genuine()
    response = changed(genuine, b"\xcf\xff\xff\x7f\xf8" + b"\x5b\xff" * 4096)
    response.headers["Content-Encoding"] = "br"
    return response


async def invalid_json(visit: Visit) -> web.StreamResponse:
    """Drop some colons from the JSON, embedded or not."""
    genuine, body = await visit.body()
    return changed(genuine, body.replace(b"&quot;:", b"&quot;", 60).replace(b'":', b'"', 60))


async def truncated_json(visit: Visit) -> web.StreamResponse:
    """Stop the JSON in the middle, in good order."""
    genuine, body = await visit.body()
    return changed(genuine, body[: len(body) // 2])


async def wrong_shape(visit: Visit) -> web.StreamResponse:
    """Send valid JSON that means nothing."""
    genuine = await visit.genuine()
    return changed(genuine, json.dumps(_SHAPES[visit.dice.below(len(_SHAPES))]).encode())


async def invalid_utf8(visit: Visit) -> web.StreamResponse:
    """Put bytes that are no UTF-8 into the text."""
    genuine, body = await visit.body()
    middle = body.find(b" ", len(body) // 2)
    place = middle if middle > 0 else len(body) // 2
    return changed(genuine, body[:place] + b"\xff\xc3\x28" + body[place:])


async def duplicate_keys(visit: Visit) -> web.StreamResponse:
    """Repeat keys, with the right values last."""
    genuine, body = await visit.body()
    return changed(genuine, body.replace(b"{", b'{"id":"1","title":"not this","id":"2",', 2) if body else body)


async def deep_json(visit: Visit) -> web.StreamResponse:
    """Nest one unknown field 10,000 deep."""
    genuine, body = await visit.body()
    pit = b'"depth":' + b"[" * 10_000 + b"]" * 10_000 + b","
    start = body.find(b"[{") if visit.kind == CONTENT else body.find(b"{")
    place = body.find(b"{", start) + 1
    return changed(genuine, body[:place] + pit + body[place:])


async def data_object(visit: Visit) -> web.StreamResponse:
    """Send `data` as an object instead of a list."""
    genuine, body = await visit.body()
    answer = json.loads(body)
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return genuine
    answer["data"] = entries[0] if visit.kind == CONTENT and visit.dice.below(2) else dict(enumerate(entries))
    return changed(genuine, json.dumps(answer).encode())
