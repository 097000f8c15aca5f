"""What was not there when it was asked for, judged by all that two archives saw of it."""

from __future__ import annotations

from storage.merging.pair import Pair

_ABSENT = """
INSERT INTO absence (frontier, since, seen_at, gone_at, returned_at, evidence) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (frontier, since) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at),
    gone_at = min(coalesce(gone_at, excluded.gone_at), coalesce(excluded.gone_at, gone_at)),
    returned_at = CASE  -- one archive saw it return, the other may have found it absent after that
        WHEN returned_at IS NULL AND seen_at > excluded.returned_at THEN NULL
        WHEN excluded.returned_at IS NULL AND excluded.seen_at > returned_at THEN NULL
        ELSE coalesce(max(returned_at, excluded.returned_at), returned_at, excluded.returned_at) END
"""
# What was answered after an absence was last seen ended it, whichever archive has the answer.
_RETURNED = """
UPDATE absence SET returned_at = (SELECT min(c.fetched_at) FROM capture AS c
    WHERE c.frontier = absence.frontier AND c.error IS NULL AND c.fetched_at > absence.seen_at)
WHERE frontier = ? AND returned_at IS NULL
"""
# Two absences of two archives may have been made one before it came to be known that between them it was there.
_THERE_BETWEEN = """
SELECT b.since, min(c.fetched_at), max(c.fetched_at)
FROM absence AS b CROSS JOIN capture AS c ON c.frontier = b.frontier
WHERE b.frontier = ? AND b.returned_at IS NULL AND c.error IS NULL
AND c.fetched_at > b.since AND c.fetched_at < b.seen_at GROUP BY b.since
"""
_ABSENT_AGAIN = """
INSERT INTO absence (frontier, since, seen_at, gone_at, evidence)
SELECT b.frontier, coalesce((SELECT min(t.at) FROM attempt AS t WHERE t.frontier = b.frontier AND t.at > ?3
        AND t.fault IN (SELECT fault FROM attempt WHERE frontier = b.frontier AND at = b.seen_at)), b.seen_at),
    b.seen_at, iif(b.gone_at > ?3, b.gone_at, NULL), b.evidence
FROM absence AS b WHERE b.frontier = ?1 AND b.since = ?2 ON CONFLICT (frontier, since) DO NOTHING
"""
_THERE = """
UPDATE absence SET returned_at = ?3, gone_at = iif(gone_at < ?3, gone_at, NULL),
    seen_at = coalesce((SELECT max(t.at) FROM attempt AS t WHERE t.frontier = absence.frontier
        AND t.at BETWEEN absence.since AND ?3), since)
WHERE frontier = ?1 AND since = ?2
"""
_OPEN = """
SELECT min(since), max(seen_at), min(gone_at) FROM absence WHERE frontier = ? AND returned_at IS NULL
HAVING count(*) > 0
"""


def bring_absences(pair: Pair) -> None:
    """Bring what was absent, and say again what is gone, of both archives' evidence."""
    # What was brought may have ended any absence of ours, and an article that is gone here may have come only now.
    seen = {row for (row,) in pair.own.execute("SELECT frontier FROM absence WHERE returned_at IS NULL")}
    for frontier, *values in pair.read("SELECT frontier, since, seen_at, gone_at, returned_at, evidence FROM absence"):
        own = pair.must("frontier", frontier)
        pair.own.execute(_ABSENT, (own, *values))
        seen.add(own)
    for own in seen:
        _judge(pair, own)


def _judge(pair: Pair, own: int) -> None:
    for since, first, last in pair.own.execute(_THERE_BETWEEN, (own,)).fetchall():
        pair.own.execute(_ABSENT_AGAIN, (own, since, last))
        pair.own.execute(_THERE, (own, since, first))
    pair.own.execute(_RETURNED, (own,))
    found = pair.one(_OPEN, (own,))
    gone_at = None
    if found is not None:
        since, seen_at, gone_at = found
        pair.own.execute("DELETE FROM absence WHERE frontier = ? AND returned_at IS NULL AND since > ?", (own, since))
        pair.own.execute(
            "UPDATE absence SET seen_at = ?, gone_at = ? WHERE frontier = ? AND since = ?",
            (seen_at, gone_at, own, since),
        )
    pair.own.execute(
        "UPDATE frontier SET state = iif(?1 IS NOT NULL, 'gone', 'done'), due_at = NULL "
        "WHERE id = ?2 AND state = iif(?1 IS NOT NULL, 'done', 'gone')",
        (gone_at, own),
    )
    pair.own.execute(
        "UPDATE article SET gone_at = ?1 WHERE (site, cms_id) = (SELECT site, substr(key, length(site) + 2)"
        " FROM frontier WHERE id = ?2 AND kind = 'article') AND gone_at IS NOT ?1",
        (gone_at, own),
    )
