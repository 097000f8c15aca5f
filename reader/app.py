"""The reading room as a web application: which address is which page, and what happens when something goes wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web
from jinja2 import Environment

from reader import feeds, files, templating, view
from reader.guard import HEADERS, Handler
from reader.pages import article, calendar, front, gallery, guide, history, runs, search, taxonomy
from reader.room import ROOM, Room, RoomSettings
from reader.view import JSON_SUFFIX, Page, View
from storage.desks import open_desks
from storage.errors import StorageError

log = logging.getLogger(__name__)

_ARTICLE: Final = r"/article/{site:[^/]+}/{id:[0-9]{1,18}}"
_NUMBER: Final = "[1-9][0-9]{0,8}"
_TERM: Final = "/{kind:category|keyword|author}/{site:[^/]+}/{id:.+}"
_HASH: Final = "{sha256:[0-9a-f]{64}}"

# Every page, and beside it the same facts as JSON.
PAGES: Final[dict[str, Page]] = {
    "/site/{site:[^/]+}": front.page,
    _ARTICLE: article.page,
    f"{_ARTICLE}/revision/{{number:{_NUMBER}}}": article.page,
    f"{_ARTICLE}/revisions": history.revisions,
    f"{_ARTICLE}/compare/{{old:{_NUMBER}}}/{{new:{_NUMBER}}}": history.comparison,
    f"{_ARTICLE}/provenance": history.origin,
    _TERM: taxonomy.page,
    "/{plural:categories|keywords|authors}": taxonomy.index,
    "/calendar": calendar.page,
    "/calendar/{year:[0-9]{4}}": calendar.page,
    "/calendar/{year:[0-9]{4}}/{month:[0-9]{2}}": calendar.page,
    "/calendar/{year:[0-9]{4}}/{month:[0-9]{2}}/{day:[0-9]{2}}": calendar.page,
    "/search": search.page,
    "/pictures": gallery.wall,
    f"/pictures/{_HASH}": gallery.page,
    "/runs": runs.page,
    f"/runs/{{number:{_NUMBER}}}": runs.one,
    "/help": guide.page,
}

Answer = Callable[[Room, web.Request], Awaitable[web.StreamResponse]]
_ANSWERS: Final[dict[str, Answer]] = {
    f"{_ARTICLE}/raw/{{number:{_NUMBER}}}.json": history.raw,
    f"/runs/{{number:{_NUMBER}}}/report": files.report,
    "/feed.atom": feeds.feed,
}


def application(settings: RoomSettings) -> web.Application:
    """Return the reading room of an archive. Raises StorageError when there is none to read."""
    room = Room(settings, open_desks(settings.archive))
    app = web.Application(middlewares=[_guarded], client_max_size=1024)
    app[ROOM] = room
    templates = templating.environment()
    app[_TEMPLATES] = templates

    def handler(page: Page, *, as_json: bool) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return view.respond(templates, request, await page(room, request), as_json=as_json)

        return handle

    def answer(give: Answer) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await give(room, request)

        return handle

    app.router.add_get("/", handler(front.page, as_json=False))
    app.router.add_get(f"/index{JSON_SUFFIX}", handler(front.page, as_json=True))
    for path, give in _ANSWERS.items():
        app.router.add_get(path, answer(give))
    for path, page in PAGES.items():
        app.router.add_get(f"{path}{JSON_SUFFIX}", handler(page, as_json=True))
        app.router.add_get(path, handler(page, as_json=False))
    app.router.add_get(
        f"/media/{{ab:[0-9a-f]{{2}}}}/{{cd:[0-9a-f]{{2}}}}/{_HASH}.{{extension:[a-z0-9]{{1,8}}}}", files.media
    )
    app.router.add_get(f"/static/{{name:{'|'.join(files.STATIC)}}}", files.static)
    app.cleanup_ctx.append(_closing)
    return app


async def _closing(app: web.Application) -> AsyncIterator[None]:
    yield
    app[ROOM].desks.close()


_TEMPLATES: Final = web.AppKey("templates", Environment)


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who may come in; turn every failure into a page; put the headers on whatever is sent."""
    response: web.StreamResponse
    refused = request.app[ROOM].guard.refusal(request)
    if refused is not None:
        return refused
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = _problem(request, error.status, error.text or error.reason)
        response.headers.update({name: value for name, value in error.headers.items() if name == "Allow"})
    except StorageError as error:
        log.error("%s", error)
        response = _problem(request, 503, str(error))
    except Exception:
        log.exception("%s could not be shown", request.path)
        response = _problem(request, 500, "This page could not be made. The archive itself is not touched by that.")
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _problem(request: web.Request, status: int, text: str) -> web.Response:
    as_json = request.path.endswith(JSON_SUFFIX)
    problem = guide.Problem(status, guide.HEADINGS.get(status, "Something went wrong"), text)
    return view.respond(
        request.app[_TEMPLATES], request, View("problem.html", problem, problem.heading, status, False), as_json=as_json
    )
