"""Faults of lists: pages that repeat, shrink or shift, and totals that lie."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator.faults.visit import Visit, changed

_CARD = re.compile(rb'<div class="card">.*?</div>\n?', re.DOTALL)
_NUMBERS = ("page", "pagination", "paged", "p")
_Entries = list[Any]


def _page(request: web.BaseRequest) -> tuple[str, int]:
    """Return the parameter that pages this request, and its value."""
    for name in _NUMBERS:
        text = request.query.get(name, "")
        if text.isdecimal():
            return name, int(text)
    return "page", 1


async def _other_page(visit: Visit, page: int) -> bytes:
    name, _ = _page(visit.request)
    response = await visit.answer(visit.request.clone(rel_url=visit.request.rel_url.update_query({name: str(page)})))
    assert isinstance(response, web.Response)
    return bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""


def _entries(body: bytes) -> _Entries:
    """Return the items of a list, whether JSON or cards of a page."""
    if body.startswith(b"{"):
        data = json.loads(body).get("data")
        return data if isinstance(data, list) else []
    return _CARD.findall(body)


def _with_entries(body: bytes, entries: _Entries, total: Callable[[int], int] = int) -> bytes:
    """Return the list with other items, and with another total where it states one."""
    if not body.startswith(b"{"):
        start = body.find(b'<div class="card">')
        return body[:start] + b"".join(entries) + _CARD.sub(b"", body[start:]) if start >= 0 else body
    answer = json.loads(body) | {"data": entries}
    if "total" in answer:
        answer["total"] = type(answer["total"])(total(int(answer["total"])))
    return json.dumps(answer).encode()


async def repeats(visit: Visit) -> web.StreamResponse:
    """Answer every page with the first."""
    genuine = await visit.genuine()
    return changed(genuine, await _other_page(visit, 1)) if genuine.status == 200 else genuine


async def clamps(visit: Visit) -> web.StreamResponse:
    """Answer every page past the second with the second."""
    genuine = await visit.genuine()
    beyond = genuine.status == 200 and _page(visit.request)[1] > 2
    return changed(genuine, await _other_page(visit, 2)) if beyond else genuine


async def shrinks(visit: Visit) -> web.StreamResponse:
    """Lose more items the further one pages."""
    genuine, body = await visit.body()
    if genuine.status != 200:
        return genuine
    lost = (_page(visit.request)[1] - 1) * 2
    entries = _entries(body)
    kept = entries[: max(0, len(entries) - lost)]
    return changed(genuine, _with_entries(body, kept, lambda total: max(0, total - lost)))


async def shifts(visit: Visit) -> web.StreamResponse:
    """Behave as if an item had come in at the top since the first page was read."""
    genuine, body = await visit.body()
    _, page = _page(visit.request)
    if genuine.status != 200 or page == 1:
        return genuine
    before, entries = _entries(await _other_page(visit, page - 1)), _entries(body)
    following = _entries(await _other_page(visit, page + 1))
    moved = before[-1:] + (entries[:-1] if following else entries)
    return changed(genuine, _with_entries(body, moved, lambda total: total + 1) if entries else body)


async def total_lies(visit: Visit) -> web.StreamResponse:
    """Claim three times as many items as there are."""
    genuine, body = await visit.body()
    if genuine.status != 200 or not body.startswith(b"{"):
        return genuine
    return changed(genuine, _with_entries(body, _entries(body), lambda total: total * 3 + 7))
