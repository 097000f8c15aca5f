"""The reading room as files: every page that can be reached from the front page, and what it shows.

The pages are made by the same functions and templates as on a server; addresses become names of files, relative to
the page they stand on. Searching needs a script, since there is nobody to ask: see `index`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jinja2 import Environment
from selectolax.lexbor import LexborHTMLParser

from reader import templating, view
from reader.app import PAGES
from reader.export import index
from reader.export.folder import Folder, open_folder
from reader.export.names import SEARCH, file_of, relative
from reader.export.routes import Routes
from reader.links import Links, on_server
from reader.pages import front
from reader.room import Room, RoomSettings
from reader.view import View
from storage import overviews
from storage.desks import open_desks
from storage.files import MediaTree
from storage.reading import Reading

# A page that is a file has no origin: what may be loaded is named by its scheme. 'self' is for whoever serves it.
POLICY = (
    "default-src 'none'; img-src 'self' file: data:; style-src 'self' file:; script-src 'self' file:; "
    "form-action 'self' file:; base-uri 'none'"
)
_LEFT_OUT = ("runs", "feed.atom", "search", "static", "media")  # what is no page of an export
_STATIC = ("reader.css", "pages.css", "reader.js", "icon.svg", "offline.js")
_ATTRIBUTES = ("href", "src", "action", "poster")


@dataclass(frozen=True, slots=True)
class Written:
    """What came of an export."""

    pages: int
    pictures: int
    written: int  # files that are new, or other than they were
    removed: int
    lacking: int  # pictures that the archive names and does not have


def write(settings: RoomSettings, destination: Path, progress: Callable[[int, int], None]) -> Written:
    """Write an archive's reading room to a folder. Raises StorageError or OSError."""
    with open_folder(destination) as folder:
        export = _Export(settings, folder, progress)
        return asyncio.run(export.run())


class _Export:
    """One export under way."""

    def __init__(self, settings: RoomSettings, folder: Folder, progress: Callable[[int, int], None]) -> None:
        self._folder, self._progress = folder, progress
        self._media = MediaTree(settings.archive)
        self._desks = open_desks(settings.archive)
        self._room = Room(settings, self._desks, Links(self._spell))
        self._templates: Environment = templating.environment()
        self._routes = Routes({"/": front.page, **PAGES})
        self._queue: deque[str] = deque()
        self._seen: set[str] = set()
        self._pictures: set[str] = set()
        self._lacking: set[str] = set()
        self._pages = 0
        self._span = ("", "")  # first and last day that anything was published on

    def _spell(self, path: tuple[str, ...], query: Mapping[str, str]) -> str:
        """Spell an address as on a server, and remember it: every page that is linked is written."""
        address = on_server(path, query)
        if self._is_page(path):
            self._want(address)
        return address

    def _is_page(self, path: Sequence[str]) -> bool:
        """Say whether an address is one that is written: not a part of the calendar that nothing was published in."""
        if path and path[0] == "calendar":
            date = "-".join(path[1:])
            first, last = self._span
            return first[: len(date)] <= date <= last[: len(date)]
        return not path or path[0] not in _LEFT_OUT

    def _want(self, address: str) -> None:
        if address not in self._seen:
            self._seen.add(address)
            self._queue.append(address)

    async def run(self) -> Written:
        """Write everything; what is no longer part of it is removed at the end."""
        try:
            span = await self._room.ask(lambda reading: overviews.span(reading.connection))
            self._span = (span[0][:10], span[1][:10]) if span else ("", "")
            self._want("/")
            while self._queue:
                await self._write(self._queue.popleft())
                self._progress(self._pages, self._pages + len(self._queue))
            await self._write_search()
        finally:
            self._desks.close()
        for name in _STATIC:
            self._folder.put(f"static/{name}", resources.files("reader").joinpath("static", name).read_bytes())
        removed = self._folder.finish()
        return Written(self._pages, len(self._pictures), self._folder.written, removed, len(self._lacking))

    async def _write(self, address: str) -> None:
        parts = [part for part in urlsplit(address).path.split("/") if part]
        if len(parts) == 5 and parts[3] == "raw":
            await self._write_raw(address, parts)
            return
        found = self._routes.find(address)
        if found is None:
            return
        page, asked = found
        self._put(address, await page(self._room, asked))

    async def _write_raw(self, address: str, parts: list[str]) -> None:
        """Write the JSON of a revision as it came."""
        _, site, cms_id, _, name = parts
        number = int(name.removesuffix(".json"))

        def raw(reading: Reading) -> str:
            row = reading.find_article(site, cms_id)
            kept = reading.show(row, number) if row is not None else None
            return "" if kept is None else kept.json

        self._folder.put(file_of(address), (await self._room.ask(raw)).encode("utf-8", "surrogatepass"))

    def _put(self, address: str, found: View) -> None:
        name = file_of(address)
        html = view.html(self._templates, self._room, found, address, "", POLICY)
        self._folder.put(name, self._as_file(html, name).encode("utf-8", "replace"))
        self._pages += 1

    def _as_file(self, html: str, page: str) -> str:
        """Return a page whose addresses are files beside it."""
        tree = LexborHTMLParser(html)
        for name in _ATTRIBUTES:
            for node in tree.css(f"[{name}^='/']"):
                if target := self._target(node.attributes[name] or "", page):
                    node.attrs[name] = target
                else:
                    del node.attrs[name]
        for node in tree.css("[srcset]"):
            node.attrs["srcset"] = ", ".join(self._candidates(node.attributes["srcset"] or "", page))
        return f"<!DOCTYPE html>\n{tree.root.html if tree.root is not None else ''}\n"

    def _candidates(self, srcset: str, page: str) -> list[str]:
        pairs = (candidate.strip().partition(" ") for candidate in srcset.split(","))
        return [f"{self._target(url, page)}{space}{width}" for url, space, width in pairs if url]

    def _target(self, address: str, page: str) -> str:
        """Return how a page refers to what an address means; '' when the export does not have it."""
        path, _, anchor = address.partition("#")
        parts = [unquote(part) for part in urlsplit(path).path.split("/") if part]
        kind = parts[0] if parts else ""
        name = file_of(path)
        if kind == "media":
            self._copy_picture(name)
        elif self._is_page(parts):
            self._want(path)
        elif kind not in ("search", "static"):
            return ""
        return relative(name, page) + (f"#{anchor}" if anchor else "")

    def _copy_picture(self, name: str) -> None:
        if name not in self._pictures:
            self._pictures.add(name)
            sha256, _, extension = name.rpartition("/")[2].partition(".")
            if not self._folder.copy(name, self._media.path(sha256, extension)):
                self._lacking.add(name)

    async def _write_search(self) -> None:
        """Write the page that searches, and what it searches in."""
        self._put_page(SEARCH, View("offline.html", None, "Search"))
        await self._room.ask(lambda reading: index.write(reading, self._room, self._folder))

    def _put_page(self, name: str, found: View) -> None:
        html = view.html(self._templates, self._room, found, f"/{name}", "", POLICY)
        self._folder.put(name, self._as_file(html, name).encode("utf-8", "replace"))
        self._pages += 1
