"""What every page of the reading room stands on: the archive, the newsrooms, addresses, templates, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from reader.dates import Zones
from reader.guard import Guard
from reader.links import Links
from reader.memo import Memo
from storage.desks import Desks
from storage.reading import Reading

T = TypeVar("T")

ClassifyURL = Callable[[str], tuple[str, str] | None]
"""From a web address to what it stands for, as ('article', key) or ('category', key); None: nothing of ours."""


@dataclass(frozen=True, slots=True)
class Newsroom:
    """A configured site, as readers know it."""

    name: str
    title: str
    timezone: str


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """What the reading room is told from outside."""

    archive: Path
    newsrooms: tuple[Newsroom, ...] = ()
    classify: ClassifyURL = lambda url: None
    names: tuple[str, ...] = ()
    password: str = field(default="", repr=False)


class Room:
    """The reading room of one archive."""

    def __init__(self, settings: RoomSettings, desks: Desks, links: Links | None = None) -> None:
        """Join the parts."""
        self.settings, self.desks, self.links = settings, desks, links or Links()
        self.guard = Guard(settings.names, settings.password)
        self.zones = Zones({one.name: one.timezone for one in settings.newsrooms})
        self.titles: Mapping[str, str] = {one.name: one.title for one in settings.newsrooms}
        self.minute = Memo(60.0)
        self.while_open = Memo(600.0)

    async def ask(self, question: Callable[[Reading], T]) -> T:
        """Ask the archive."""
        return await self.desks.ask(question)

    def title(self, site: str) -> str:
        """Return what a newsroom is called."""
        return self.titles.get(site) or site


ROOM = web.AppKey("room", Room)
