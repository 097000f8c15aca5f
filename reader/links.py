"""Where the pages of the reading room are. Pure.

Every address in every page comes from here. On a server an address is a path; whoever writes the pages to files
passes another way to spell them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote, urlencode

Spell = Callable[[tuple[str, ...], Mapping[str, str]], str]
PLURALS = {"category": "categories", "keyword": "keywords", "author": "authors"}


class Named(Protocol):
    """A category, keyword or author, by what identifies it."""

    @property
    def kind(self) -> str:
        """'category', 'keyword' or 'author'."""
        ...

    @property
    def site(self) -> str:
        """The newsroom."""
        ...

    @property
    def id(self) -> str:
        """The CMS's own id."""
        ...


def on_server(path: tuple[str, ...], query: Mapping[str, str]) -> str:
    """Spell an address as a path of this server, with the parts of the query that say something."""
    said = {name: value for name, value in query.items() if value}
    return "/" + "/".join(quote(part, safe="") for part in path) + (f"?{urlencode(said)}" if said else "")


class Links:
    """The address of each kind of page."""

    def __init__(self, spell: Spell = on_server) -> None:
        """Spell addresses in this way."""
        self._spell = spell

    def front(self, site: str = "") -> str:
        """Return the address of the front page, or of one newsroom's."""
        return self._spell(("site", site) if site else (), {})

    def article(self, site: str, cms_id: str) -> str:
        """Return the address of an article."""
        return self._spell(("article", site, cms_id), {})

    def provenance(self, site: str, cms_id: str) -> str:
        """Return the address of where an article came from."""
        return self._spell(("article", site, cms_id, "provenance"), {})

    def raw(self, site: str, cms_id: str, number: int) -> str:
        """Return the address of the JSON of a revision as it came."""
        return self._spell(("article", site, cms_id, "raw", f"{number}.json"), {})

    def revisions(self, site: str, cms_id: str) -> str:
        """Return the address of the list of an article's revisions."""
        return self._spell(("article", site, cms_id, "revisions"), {})

    def revision(self, site: str, cms_id: str, number: int) -> str:
        """Return the address of an article as one revision has it."""
        return self._spell(("article", site, cms_id, "revision", str(number)), {})

    def comparison(self, site: str, cms_id: str, old: int, new: int, view: str = "") -> str:
        """Return the address of what changed between two revisions."""
        return self._spell(("article", site, cms_id, "compare", str(old), str(new)), {"view": view})

    def term(self, name: Named, *, year: str = "", before: str = "", after: str = "") -> str:
        """Return the address of a category's, keyword's or author's page, or of one year of it."""
        return self._spell((name.kind, name.site, name.id), {"year": year, "before": before, "after": after})

    def terms(self, kind: str, *, site: str = "", words: str = "", after: str = "") -> str:
        """Return the address of the index of categories, keywords or authors."""
        return self._spell((PLURALS[kind],), {"site": site, "words": words, "after": after})

    def calendar(self, *parts: int, site: str = "", before: str = "", after: str = "") -> str:
        """Return the address of all years, a year, a month or a day."""
        texts = tuple(f"{part:02d}" for part in parts)
        return self._spell(("calendar", *texts), {"site": site, "before": before, "after": after})

    def search(self, query: Mapping[str, str]) -> str:
        """Return the address of a search."""
        return self._spell(("search",), query)

    def gallery(self, *, site: str = "", subject: str = "", before: str = "", after: str = "") -> str:
        """Return the address of the wall of pictures."""
        return self._spell(("pictures",), {"site": site, "subject": subject, "before": before, "after": after})

    def picture(self, sha256: str) -> str:
        """Return the address of one picture."""
        return self._spell(("pictures", sha256), {})

    def media(self, sha256: str, extension: str) -> str:
        """Return the address of a file of the media tree."""
        return self._spell(("media", sha256[:2], sha256[2:4], f"{sha256}.{extension}"), {})

    def runs(self) -> str:
        """Return the address of the list of runs."""
        return self._spell(("runs",), {})

    def run(self, number: int) -> str:
        """Return the address of one run."""
        return self._spell(("runs", str(number)), {})

    def report(self, number: int) -> str:
        """Return the address of the page that a run wrote."""
        return self._spell(("runs", str(number), "report"), {})

    def help(self) -> str:
        """Return the address of the page on how to find things."""
        return self._spell(("help",), {})

    def feed(self) -> str:
        """Return the address of the Atom feed of new captures."""
        return self._spell(("feed.atom",), {})

    def static(self, name: str, version: str = "") -> str:
        """Return the address of a style sheet, script or icon."""
        return self._spell(("static", name), {"v": version})
