"""Categories, keywords and authors of two archives: of what both know, the newer word."""

from __future__ import annotations

from storage.articles import KEEP_TERM
from storage.merging.pair import Pair

_COLUMNS = ("kind", "site", "cms_id", "name", "slug", "url", "json")
_READ = f"SELECT id, {', '.join(_COLUMNS)} FROM term"  # noqa: S608
_SAME = f"{_READ} WHERE kind = ? AND site = ? AND cms_id = ?"
# Terms have no time: what is known of one is as old as the newest article that it came with.
_SINCE = """
SELECT coalesce(max(a.last_checked_at), '') FROM article_term AS at CROSS JOIN article AS a ON a.id = at.article
WHERE at.term = ?
"""


def bring_terms(pair: Pair) -> None:
    """Bring their terms, before any article: to be asked is how old ours are."""
    for row, *theirs in pair.read(f"{_READ} ORDER BY id"):
        known = pair.one(_SAME, theirs[:3])
        if known is None:
            own = pair.insert("term", _COLUMNS, theirs)
        else:
            own, *ours = known
            if ours != theirs:
                _tell(pair, (row, theirs), (own, ours))
        pair.note("term", row, own)


def _tell(pair: Pair, theirs: tuple[int, list[object]], ours: tuple[int, list[object]]) -> None:
    """Say both, the newer last: where it says nothing, the older word stays."""
    said = [
        (str(next(pair.read(_SINCE, (theirs[0],)))[0]), theirs[1]),
        (str(pair.own.execute(_SINCE, (ours[0],)).fetchone()[0]), ours[1]),
    ]
    for _, values in sorted(said, key=lambda one: (one[0], list(map(str, one[1])))):
        pair.own.execute(KEEP_TERM, values)
