"""Files for browsers: pictures of the media tree, reports of runs, and the style sheet and script of the pages."""

from __future__ import annotations

import mimetypes
from importlib import resources

from aiohttp import web

from reader.pages.runs import report_path
from reader.pictures import SHOWABLE
from reader.room import ROOM, Room
from storage import gallery
from storage.files import MediaTree

_FOREVER = "private, max-age=31536000, immutable"  # the name says what is in it
STATIC = ("reader.css", "pages.css", "reader.js", "icon.svg")
# What an archived file may do when somebody opens it by itself: nothing at all.
_INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
# A run's report carries its own styles, and pictures as data; it has no scripts.
_REPORT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox allow-same-origin; "
    "frame-ancestors 'none'; base-uri 'none'"
)


async def media(request: web.Request) -> web.StreamResponse:
    """Send a file of the media tree with the type that was found when it was checked."""
    room = request.app[ROOM]
    sha256, extension = request.match_info["sha256"], request.match_info["extension"]
    folders = (request.match_info["ab"], request.match_info["cd"])
    file = await room.ask(lambda reading: gallery.stored_file(reading.connection, sha256))
    if file is None or file.extension != extension or folders != (sha256[:2], sha256[2:4]):
        raise web.HTTPNotFound(text="The archive holds no such file.")
    path = MediaTree(room.settings.archive).path(sha256, file.extension)
    if not path.is_file() or path.is_symlink():
        raise web.HTTPNotFound(text="This file is missing from the archive: `backfile verify` lists all that are.")
    headers = {
        "Content-Type": file.media_type if file.media_type in SHOWABLE else "application/octet-stream",
        "Content-Security-Policy": _INERT,
        "Cache-Control": _FOREVER,
    }
    if file.media_type not in SHOWABLE:
        headers["Content-Disposition"] = f'attachment; filename="{sha256[:16]}.{extension}"'
    return web.FileResponse(path, headers=headers)


async def report(room: Room, request: web.Request) -> web.StreamResponse:
    """Send the page that a run wrote."""
    path = report_path(room, int(request.match_info["number"]))
    if not path.is_file() or path.is_symlink():
        raise web.HTTPNotFound(text="This run wrote no report.")
    return web.FileResponse(
        path, headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _REPORT}
    )


async def static(request: web.Request) -> web.Response:
    """Send a file that comes with the program."""
    name = request.match_info["name"]
    body = resources.files("reader").joinpath("static", name).read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    cache = _FOREVER if "v" in request.query else "no-cache"
    return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": cache})
