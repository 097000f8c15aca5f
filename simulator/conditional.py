"""Conditional requests (RFC 9110, section 13), for the newsrooms that answer them; the contract knows of none (2.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256

from aiohttp import web


def answer(
    request: web.BaseRequest, identity: bytes, modified: datetime | None, make: Callable[[], web.Response]
) -> web.Response:
    """Answer with what `make` makes and its validators; with 304 when the client has it already.

    `identity` stands for the content: the same bytes, the same tag. The tag is weak, because counters in the body may
    move without it.
    """
    headers = {"ETag": f'W/"{sha256(identity).hexdigest()[:24]}"'}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    if _held(request, headers["ETag"], modified):
        return web.Response(status=304, headers=headers)
    response = make()
    response.headers.update(headers)
    return response


def _held(request: web.BaseRequest, tag: str, modified: datetime | None) -> bool:
    """Say whether the client's copy is as good; a tag, where it sends one, counts more than a date."""
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or tag.removeprefix("W/") in (t.strip().removeprefix("W/") for t in tags.split(","))
    since = request.headers.get("If-Modified-Since")
    if since is None or modified is None:
        return False
    try:
        return modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):  # no date, or one without a zone
        return False
