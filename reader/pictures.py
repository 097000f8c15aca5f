"""From stored renditions to what a browser shows: one picture in every size that is held. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from reader.links import Links

SHOWABLE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml"})
_SAME_SHAPE = 0.04  # how much the proportions of a rendition may differ from the original's and not be a crop
_COMFORTABLE = 800  # CSS pixels: what a browser without srcset gets at least, where there is one
_WALL = 360


@dataclass(frozen=True, slots=True)
class Stored:
    """One held file of a picture; width and height are pixels, 0 where unknown. The original has no transform."""

    sha256: str
    extension: str
    media_type: str
    width: int
    height: int
    transform: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture ready to be shown. `state` is 'stored', or why there is nothing to show; `href` is its own page."""

    state: str
    src: str = ""
    srcset: str = ""
    width: int = 0
    height: int = 0
    href: str = ""
    url: str = ""  # where the newsroom had it


def show(files: Sequence[Stored], links: Links, *, url: str = "", wall: bool = False) -> Shown:
    """Return a picture in all uncropped sizes, of which a browser chooses; on a wall a smaller one is the default."""
    usable = [file for file in files if file.media_type in SHOWABLE]
    if not usable:
        return Shown("stored" if files else "missing", url=url)
    model = min(usable, key=lambda file: (file.transform != "", -file.width * file.height))
    whole = {file.width: file for file in usable if _same_shape(file, model)}
    sizes = [whole[width] for width in sorted(whole)] or [model]
    target = _WALL if wall else _COMFORTABLE
    default = next((file for file in sizes if file.width >= target), sizes[-1])
    several = len(sizes) > 1 and all(file.width for file in sizes)
    return Shown(
        state="stored",
        src=links.media(default.sha256, default.extension),
        srcset=", ".join(f"{links.media(file.sha256, file.extension)} {file.width}w" for file in sizes)
        if several
        else "",
        width=default.width,
        height=default.height,
        href=links.picture(model.sha256),
        url=url,
    )


def _same_shape(file: Stored, other: Stored) -> bool:
    if not (file.height and other.height):
        return file is other
    return abs(file.width / file.height - other.width / other.height) < _SAME_SHAPE * other.width / other.height


class Album:
    """The pictures of one article, by every URL that it mentions."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], links: Links) -> None:
        """Take the rows of the public view `media` for one article."""
        self._links = links
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self._groups: dict[str, str] = {}
        for row in rows:
            group = row["attachment_id"] or row["url"]
            self._rows.setdefault(group, []).append(row)
            self._groups.setdefault(row["url"], group)
            self._groups.setdefault(_path(row["url"]), group)

    def group(self, url: str) -> str:
        """Return which picture a URL shows; '' when the article's pictures do not name it."""
        return self._groups.get(url) or self._groups.get(_path(url), "")

    def picture(self, url: str) -> Shown:
        """Return the picture of a URL, whatever host it is served from."""
        rows = self._rows.get(self.group(url), [])
        files = [_stored(row) for row in rows if row["sha256"]]
        if files:
            return show(files, self._links, url=url)
        return Shown(next((row["state"] for row in rows), "unknown"), url=url)


def _stored(row: Mapping[str, Any]) -> Stored:
    extension = str(row["path"]).rpartition(".")[2]
    return Stored(
        row["sha256"], extension, row["media_type"], row["width"] or 0, row["height"] or 0, row["transform"] or ""
    )


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return url
