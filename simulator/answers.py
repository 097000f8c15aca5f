"""Answers of the two APIs: JSON, errors in both forms, and pages of lists."""

from __future__ import annotations

import json
from zlib import crc32

from aiohttp import web


def json_body(body: bytes, status: int = 200) -> web.Response:
    """Answer with JSON bytes."""
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8")


def error(request: web.BaseRequest, status: int, message: str) -> web.Response:
    """Answer with an error: JSON, or plain text for one path in three."""
    if crc32(request.path.encode()) % 3 == 0:
        return web.Response(text=message, status=status)
    return json_body(json.dumps({"error": True, "message": message}).encode(), status)


def number(request: web.BaseRequest, name: str, default: int) -> int | None:
    """Return a whole number of the query; None when it is not one."""
    text = request.query.get(name, "")
    if not text:
        return default
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 10 else None
