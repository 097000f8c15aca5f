"""Faults that a status line tells: overload, refusal, absence, redirects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.utils import formatdate

from aiohttp import web

from simulator.faults.visit import Visit

LOOP = "box-loop"
_Act = Callable[[Visit], Awaitable[web.StreamResponse]]


def _page(text: str, status: int) -> web.Response:
    body = f"<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
    return web.Response(text=body, status=status, content_type="text/html")


def status(code: int, text: str) -> _Act:
    """Make a fault that answers with a bare status."""

    async def act(_: Visit) -> web.StreamResponse:
        return _page(text, code)

    return act


def wait(code: int, text: str, dated: bool) -> _Act:
    """Make a fault that says when to come back, in seconds or as a date."""

    async def act(visit: Visit) -> web.StreamResponse:
        response = _page(text, code)
        moment = formatdate(int(visit.now.timestamp()) + visit.after + 1, usegmt=True)
        response.headers["Retry-After"] = moment if dated else str(visit.after)
        return response

    return act


async def bad_key(_: Visit) -> web.StreamResponse:
    """Refuse the key."""
    body = '{"error":true,"message":"Unauthorized: Invalid API key"}'
    return web.Response(text=body, status=401, content_type="application/json")


async def captcha(_: Visit) -> web.StreamResponse:
    """Show a robot test as if it were the page."""
    form = '<form id="challenge-form"><div class="g-recaptcha" data-sitekey="box"></div></form>'
    body = f"<html><head><title>Just a moment...</title></head><body><h1>Verify you are human</h1>{form}</body></html>"
    return web.Response(text=body, content_type="text/html")


def redirect(location: str) -> _Act:
    """Make a fault that sends the client elsewhere."""

    async def act(_: Visit) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    return act


async def redirect_loop(visit: Visit) -> web.StreamResponse:
    """Send the client round in circles."""
    lap = visit.request.query.get(LOOP, "0")
    following = visit.request.rel_url.update_query({LOOP: str((int(lap) + 1) % 4) if lap.isdecimal() else "0"})
    return web.Response(status=302, headers={"Location": str(following)})
