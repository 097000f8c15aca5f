"""From what a page has to say to an answer: HTML by a template, or the same facts as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec
from aiohttp import web
from jinja2 import Environment

from reader.address import PageAddress
from reader.items import Link
from reader.links import PLURALS
from reader.room import ROOM, Room
from storage.shelves import Place, place_of

JSON_SUFFIX = ".json"
_FRESH = "private, max-age=0, must-revalidate"


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows: a template and the one document it is filled with, which is also the page's JSON."""

    template: str
    document: Any
    title: str
    status: int = 200
    beside: bool = True  # whether there is JSON beside it


Page = Callable[[Room, PageAddress], Awaitable[View]]


@lru_cache
def version_of(name: str) -> str:
    """Return a short hash of a static file, so that a browser may keep it until it changes."""
    content = resources.files("reader").joinpath("static", name).read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]


def html(templates: Environment, room: Room, view: View, here: str, beside: str, policy: str = "") -> str:
    """Return a page as HTML; `here` is its own address, `beside` that of its JSON.

    `policy`: the Content-Security-Policy of a page that is a file, and has no headers.
    """
    links = room.links
    return templates.get_template(view.template).render(
        page=view.document,
        title=view.title,
        here=here,
        policy=policy,
        beside=beside if view.beside else "",
        links=links,
        styles=tuple(links.static(name, version_of(name)) for name in ("reader.css", "pages.css")),
        script=links.static("reader.js", version_of("reader.js")),
        icon=links.static("icon.svg", version_of("icon.svg")),
        plurals=PLURALS,
        newsrooms=tuple(Link(one.title, links.front(one.name)) for one in room.settings.newsrooms),
    )


def respond(templates: Environment, request: web.Request, view: View, *, as_json: bool) -> web.Response:
    """Return a page as it was asked for; unchanged since the browser last had it: just that."""
    if as_json:
        body, kind = msgspec.json.encode(view.document), "application/json"
    else:
        query = f"?{request.query_string}" if request.query_string else ""
        path = request.rel_url.raw_path
        beside = f"{'/index' if path == '/' else path}{JSON_SUFFIX}{query}"
        body = html(templates, request.app[ROOM], view, f"{path}{query}", beside).encode("utf-8", "replace")
        kind = "text/html"
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": _FRESH}
    if view.status == 200 and any(known.value == tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, status=view.status, content_type=kind, charset="utf-8", headers=headers)


def place(request: PageAddress, name: str) -> Place | None:
    """Return the place on a shelf that a query names. Raises HTTPBadRequest when it is none."""
    text = request.query.get(name, "")
    found = place_of(text)
    if text and found is None:
        raise web.HTTPBadRequest(text=f"{name}={text[:40]!r} is no place in a list; begin again at its first page")
    return found
