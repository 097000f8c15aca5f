"""Rules that the rows of an archive keep: what breaks one is a contradiction.

Each rule is a query for what breaks it: the subject, and what is wrong with it. A rule must hold after any crash and
beside a run that writes; what merely looks odd is no contradiction.

Rows are read in the order in which they lie (NOT INDEXED: an index leads through a large table at random), only as far
as the columns that can break the rule (the JSON of a revision fills pages), and sorted only when they break it. Bodies
are large and few, and their tree is deep: many are not looked up one by one, their hashes are read once (+sha256).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from storage.findings import Finding, Flaw
from storage.turns import Ask

ROWS = {
    "what is wanted is wanted by a target": """
        SELECT 'frontier ' || id, 'its target, row ' || scope || ', is not there, so no run would fetch it'
        FROM frontier AS f WHERE scope <> 0 AND NOT EXISTS (SELECT 1 FROM frontier AS s WHERE s.id = f.scope)
    """,
    "what is gone was absent": """
        SELECT a.site || ':' || a.cms_id, 'gone since ' || a.gone_at || ', though it was not found to be absent'
        FROM article AS a WHERE gone_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM frontier AS f JOIN absence AS b ON b.frontier = f.id AND b.returned_at IS NULL
            WHERE f.kind = 'article' AND f.key = a.site || ':' || a.cms_id AND b.gone_at IS NOT NULL)
    """,
    "what is looked at again is an article": """
        SELECT 'recheck ' || article, 'of an article that is not there'
        FROM recheck AS r NOT INDEXED WHERE NOT EXISTS (SELECT 1 FROM article AS a WHERE a.id = r.article)
        ORDER BY due_at, article
    """,
    "a mark is no later than its walk": """
        SELECT f.key, 'marked by walk ' || l.mark || ', of ' || l.walk
        FROM listing AS l JOIN frontier AS f ON f.id = l.frontier WHERE l.mark > l.walk
    """,
    "what was found was found somewhere": """
        SELECT 'frontier ' || id, 'found on row ' || found_on || ', which is not there'
        FROM frontier AS f WHERE found_on IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM frontier AS s WHERE s.id = f.found_on)
    """,
    "what is queued is due one day": """
        SELECT coalesce(url, key), 'queued without a time, so it would never be fetched'
        FROM frontier WHERE state = 'queued' AND due_at IS NULL
    """,
    "what is archived holds a file": """
        SELECT coalesce(f.url, f.key), 'archived, but it holds no file'
        FROM frontier AS f NOT INDEXED WHERE f.kind = 'media' AND f.state = 'done'
        AND NOT EXISTS (SELECT 1 FROM holding AS h WHERE h.frontier = f.id) ORDER BY f.key
    """,
    "only media hold files": """
        SELECT coalesce(f.url, f.key), 'a ' || f.kind || ' that holds a file'
        FROM holding AS h NOT INDEXED JOIN frontier AS f ON f.id = h.frontier
        WHERE f.kind <> 'media' ORDER BY h.sha256, h.frontier
    """,
    "what is held was captured": """
        SELECT coalesce(f.url, f.key), 'holds ' || h.sha256 || ', which no capture of it says it was'
        FROM holding AS h NOT INDEXED JOIN frontier AS f ON f.id = h.frontier
        WHERE NOT EXISTS (SELECT 1 FROM capture AS c WHERE c.frontier = h.frontier AND c.sha256 = h.sha256)
        ORDER BY h.sha256, h.frontier
    """,
    "renditions are media": """
        SELECT coalesce(f.url, f.key), 'a ' || f.kind || ' that is a rendition of ' || a.site || ':' || a.cms_id
        FROM rendition AS r JOIN frontier AS f ON f.id = r.frontier JOIN article AS a ON a.id = r.article
        WHERE f.kind <> 'media'
    """,
    "only listings are walked": """
        SELECT f.key, 'a ' || f.kind || ' with the walk of a listing'
        FROM listing AS l JOIN frontier AS f ON f.id = l.frontier WHERE f.kind <> 'listing'
    """,
    "listings list articles": """
        SELECT f.key, 'lists ' || i.key || ', a ' || i.kind
        FROM listing_item AS x JOIN frontier AS f ON f.id = x.frontier JOIN frontier AS i ON i.id = x.item
        WHERE i.kind <> 'article' OR f.kind <> 'listing'
    """,
    "files are named by their content": """
        SELECT 'file ' || sha256, 'not the name of a content: ' || sha256 || '.' || extension
        FROM file WHERE length(sha256) <> 64 OR sha256 GLOB '*[^0-9a-f]*'
        OR length(extension) NOT BETWEEN 1 AND 16 OR extension GLOB '*[^0-9a-z]*'
    """,
    "articles have revisions": """
        SELECT site || ':' || cms_id, 'an article without a revision'
        FROM article AS a WHERE NOT EXISTS (SELECT 1 FROM revision AS r WHERE r.article = a.id)
    """,
    "an article is its newest revision": """
        SELECT a.site || ':' || a.cms_id, 'its newest revision has another content hash'
        FROM article AS a JOIN revision AS r ON r.article = a.id
        WHERE r.number = (SELECT max(number) FROM revision WHERE article = a.id) AND r.content_hash <> a.content_hash
    """,
    "revisions are numbered without a gap": """
        SELECT a.site || ':' || a.cms_id, count(*) || ' revisions numbered ' || min(number) || ' to ' || max(number)
        FROM revision AS r JOIN article AS a ON a.id = r.article
        GROUP BY r.article HAVING min(number) <> 1 OR max(number) <> count(*)
    """,
    "revisions were read from what is kept": """
        SELECT a.site || ':' || a.cms_id, 'the body that revision ' || r.number || ' was read from is not kept'
        FROM revision AS r JOIN article AS a ON a.id = r.article
        WHERE r.id IN (SELECT v.id FROM revision AS v JOIN capture AS c ON c.id = v.capture
                       WHERE c.sha256 NOT IN (SELECT +sha256 FROM body))
    """,
    "revisions were read from articles": """
        SELECT a.site || ':' || a.cms_id, 'revision ' || r.number || ' was read from a ' || f.kind
        FROM revision AS r JOIN article AS a ON a.id = r.article JOIN capture AS c ON c.id = r.capture
        JOIN frontier AS f ON f.id = c.frontier
        WHERE r.id IN (SELECT v.id FROM revision AS v JOIN capture AS c ON c.id = v.capture
                       JOIN frontier AS f ON f.id = c.frontier WHERE f.kind <> 'article')
    """,
    "terms are of the kind they are used as": """
        SELECT a.site || ':' || a.cms_id, at.kind || ' ' || at.position || ' is a ' || t.kind
        FROM article_term AS at JOIN term AS t ON t.id = at.term JOIN article AS a ON a.id = at.article
        WHERE at.kind <> t.kind
    """,
    "terms of an article have no gap": """
        SELECT a.site || ':' || a.cms_id, count(*) || ' terms (' || at.kind || ') up to place ' || max(at.position)
        FROM article_term AS at JOIN article AS a ON a.id = at.article
        GROUP BY at.article, at.kind HAVING max(at.position) <> count(*) - 1
    """,
    "headers are JSON": """
        SELECT 'capture ' || id, 'its headers are not JSON' FROM capture WHERE NOT json_valid(headers)
    """,
    "bodies are named by their content": """
        SELECT 'body ' || sha256, 'not the name of a content'
        FROM body WHERE typeof(sha256) <> 'text' OR length(sha256) <> 64 OR sha256 GLOB '*[^0-9a-f]*'
    """,
    "an attempt and its capture are of one URL": """
        SELECT 'attempt ' || a.id, 'its capture ' || c.id || ' is of row ' || c.frontier || ', not ' || a.frontier
        FROM attempt AS a JOIN capture AS c ON c.id = a.capture WHERE c.frontier <> a.frontier
    """,
    "a run that has ended has an exit status": """
        SELECT 'run ' || id, iif(finished_at IS NULL, 'an exit status without an end', 'an end without an exit status')
        FROM run WHERE (finished_at IS NULL) <> (exit_status IS NULL)
    """,
    "counters count": """
        SELECT 'counter ' || c.kind || ' ' || c.state, 'says ' || c.n || ', and there are ' || coalesce(r.n, 0)
        FROM counter AS c LEFT JOIN (
            SELECT kind, state, count(*) AS n FROM frontier NOT INDEXED GROUP BY kind, state) AS r
        ON r.kind = c.kind AND r.state = c.state WHERE c.n <> coalesce(r.n, 0)
    """,
}
AT_REST = {
    "nothing is in hand": """
        SELECT coalesce(url, key), 'in hand, and no run is under way; the next run that writes puts it back'
        FROM frontier WHERE state = 'doing'
    """,
}
SEARCH = {
    "every article can be found": """
        SELECT a.site || ':' || a.cms_id, 'not in the search index'
        FROM article AS a WHERE NOT EXISTS (SELECT 1 FROM search_content AS c WHERE c.id = a.id)
    """,
    "what can be found is an article": """
        SELECT 'search ' || c.id, 'the search index has an article that is not there'
        FROM search_content AS c WHERE NOT EXISTS (SELECT 1 FROM article AS a WHERE a.id = c.id)
    """,
}


# Tables whose key is the reference: read as they lie, told in the order of the index that would be taken instead.
_READ = {
    ("holding", "frontier"): ("NOT INDEXED", "ORDER BY c.sha256, c.frontier"),
    ("recheck", "article"): ("NOT INDEXED", "ORDER BY c.due_at, c.article"),
}


def broken(ask: Ask, rules: dict[str, str], flaw: Flaw = Flaw.CONTRADICTION) -> Iterator[Finding]:
    """Yield what breaks any of the rules; a rule that SQLite stumbles over is a damaged database."""
    for rule in rules.values():
        try:
            for subject, detail in ask(rule):
                yield Finding(flaw, str(subject), str(detail))
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            yield Finding(Flaw.DATABASE, "archive.db", f"{error}, on the way to: {' '.join(rule.split())}")


def references(ask: Ask) -> dict[str, str]:
    """Return a rule for every reference that the schema declares: it leads to a row that is there."""
    tables = ask("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    rules = {}
    for (table,) in tables:
        columns = ask("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,))
        subject = " || ' ' || ".join(f"c.{name}" for (name,) in columns)
        keys = ask('SELECT "table", "from", "to" FROM pragma_foreign_key_list(?)', (table,))
        for parent, column, key in keys:
            as_they_lie, in_order = _READ.get((table, column), ("", ""))
            # The names are the schema's own.
            rules[f"{table}.{column}"] = (
                f"SELECT '{table} ' || {subject}, '{column} ' || c.{column} || ': there is no such {parent}' "  # noqa: S608
                f"FROM {table} AS c {as_they_lie} WHERE c.{column} IS NOT NULL "
                f"AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE p.{key} = c.{column}) {in_order}"
            )
    return rules
