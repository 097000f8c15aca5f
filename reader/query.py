"""A search as its address says it: words, order, and what the results are narrowed down to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

_YEAR = re.compile(r"[12]\d{3}")
_LONGEST = 500  # characters of a query
_MOST_PAGES = 50
NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Query:
    """One search. Category, keyword and author are written `site:id`; `order` is '' (best first) or 'newest'."""

    q: str = ""
    order: str = ""
    category: str = ""
    keyword: str = ""
    author: str = ""
    year: str = ""
    site: str = ""
    page: int = 1

    def address(self, **changes: object) -> dict[str, str]:
        """Return the parts of the address of this search, or of one that differs in these; a change is to page 1."""
        other = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
        parts = {field.name: getattr(other, field.name) for field in fields(other)}
        return {name: str(value) for name, value in parts.items() if value and (name, value) != ("page", 1)}

    @property
    def terms(self) -> tuple[tuple[str, str, str], ...]:
        """The kind, site and id of each term that is asked for."""
        asked = ((kind, getattr(self, kind)) for kind in ("category", "keyword", "author"))
        return tuple((kind, *_split(text)) for kind, text in asked if text)

    @property
    def narrowed(self) -> bool:
        """Whether anything but words is asked for."""
        return bool(self.category or self.keyword or self.author or self.year or self.site)


def read(parts: Mapping[str, str]) -> Query:
    """Read a search from an address; what makes no sense is left out."""
    year, page = parts.get("year", ""), parts.get("page", "")
    return Query(
        q=" ".join(parts.get("q", "").split())[:_LONGEST],
        order=NEWEST if parts.get("order") == NEWEST else "",
        category=_term(parts, "category"),
        keyword=_term(parts, "keyword"),
        author=_term(parts, "author"),
        year=year if _YEAR.fullmatch(year) and year.isascii() else "",
        site=parts.get("site", "")[:100],
        page=min(int(page), _MOST_PAGES) if page.isascii() and page.isdecimal() and int(page[:9]) > 0 else 1,
    )


def corrected(query: str, better: Mapping[str, str]) -> str:
    """Return a query with words replaced by better ones, everything else as it was."""
    return re.sub(r"\w+", lambda word: better.get(word[0].lower(), word[0]), query)


def _term(parts: Mapping[str, str], name: str) -> str:
    text = parts.get(name, "")[:300]
    return text if all(_split(text)) else ""


def _split(text: str) -> tuple[str, str]:
    site, _, cms_id = text.partition(":")
    return site, cms_id
