"""From the address of a page in the reading room to the file it is written to. Pure.

Names must work on any file system, also on one that does not tell upper from lower case: what is not plain lower-case
gets a mark of its own.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from urllib.parse import unquote, urlsplit

_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_ODD = re.compile(r"[^a-z0-9._-]+")
SEARCH = "search.html"


def file_of(address: str) -> str:
    """Return the path, relative to the export, of the file for an address that begins with a slash."""
    parts = urlsplit(address)
    path = [part for part in parts.path.split("/") if part]
    if not path:
        return "index.html"
    if path[0] == "search":
        return SEARCH
    names = [_name(unquote(part)) for part in path]
    if path[0] in ("static", "media"):
        return "/".join(names)
    mark = f"~{_mark(parts.query)}" if parts.query else ""
    ending = "" if names[-1].endswith(".json") else ".html"
    return "/".join([*names[:-1], f"{names[-1]}{mark}{ending}"])


def relative(target: str, page: str) -> str:
    """Return how a page, a file of the export, refers to another file."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")


def _name(part: str) -> str:
    if _PLAIN.fullmatch(part) and not part.endswith("."):
        return part
    plain = _ODD.sub("-", part.lower()).strip("-.")[:60]
    return f"{plain or 'x'}-{_mark(part)}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
