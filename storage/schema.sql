-- The archive, version 3. Tables are ours and may change with a migration; the views at the end are public
-- (docs/archive.md). Natural keys (site, cms id, URL, sha256) identify everything: row ids carry no meaning
-- outside this file, so that archives can be merged.
-- Times: TEXT is UTC ISO 8601 (provenance), REAL is Unix seconds (scheduling).

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    exit_status INTEGER,
    requests INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    articles_new INTEGER NOT NULL DEFAULT 0,
    articles_changed INTEGER NOT NULL DEFAULT 0,
    articles_gone INTEGER NOT NULL DEFAULT 0,
    media_new INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    notes TEXT NOT NULL DEFAULT '[]',
    manifest_root TEXT              -- one hash over all that the run left behind
);

-- Every URL we know of, and what is to become of it.
CREATE TABLE frontier (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('article', 'listing', 'media')),
    key TEXT NOT NULL,
    url TEXT,                       -- NULL: the key is the URL
    site TEXT NOT NULL,
    host TEXT NOT NULL,             -- whose politeness applies
    scope INTEGER NOT NULL,         -- the frontier row of the target that wants it
    priority INTEGER NOT NULL,
    depth INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('queued', 'doing', 'done', 'failed', 'gone', 'skipped')),
    due_at REAL,                    -- NULL: never again by itself
    attempts INTEGER NOT NULL DEFAULT 0,
    found_on INTEGER,               -- the frontier row that mentioned it first
    first_seen_at TEXT NOT NULL,
    last_attempt_at TEXT,
    http_status INTEGER,
    fault TEXT,
    error TEXT,
    UNIQUE (kind, key)
);
CREATE INDEX frontier_due ON frontier (scope, host, priority, due_at) WHERE state = 'queued';
CREATE INDEX frontier_doing ON frontier (id) WHERE state = 'doing';
CREATE INDEX frontier_failed ON frontier (scope, due_at) WHERE state = 'failed';
CREATE INDEX frontier_troubled ON frontier (id) WHERE state = 'failed' OR (state = 'queued' AND fault IS NOT NULL);

-- Hosts that asked us to stay away for longer than a run waits.
CREATE TABLE pause (
    host TEXT PRIMARY KEY,
    until REAL NOT NULL
) WITHOUT ROWID;

-- Counting a frontier of millions takes seconds; these counts are kept by the triggers below.
CREATE TABLE counter (
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    n INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, state)
) WITHOUT ROWID;
INSERT INTO counter (kind, state)
SELECT k.column1, s.column1
FROM (VALUES ('article'), ('listing'), ('media')) AS k,
     (VALUES ('queued'), ('doing'), ('done'), ('failed'), ('gone'), ('skipped')) AS s;
CREATE TRIGGER frontier_counted AFTER INSERT ON frontier BEGIN
    UPDATE counter SET n = n + 1 WHERE kind = NEW.kind AND state = NEW.state;
END;
CREATE TRIGGER frontier_recounted AFTER UPDATE OF state ON frontier WHEN OLD.state <> NEW.state BEGIN
    UPDATE counter SET n = n - 1 WHERE kind = OLD.kind AND state = OLD.state;
    UPDATE counter SET n = n + 1 WHERE kind = NEW.kind AND state = NEW.state;
END;

-- Answers that could not be used, one row each; answers that could are captures.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    frontier INTEGER NOT NULL REFERENCES frontier (id),
    run INTEGER REFERENCES run (id),
    at TEXT NOT NULL,
    fault TEXT NOT NULL,
    error TEXT NOT NULL,
    http_status INTEGER,
    capture INTEGER REFERENCES capture (id)
);
CREATE INDEX attempt_of ON attempt (frontier);
CREATE INDEX attempt_of_run ON attempt (run);

CREATE TABLE capture (
    id INTEGER PRIMARY KEY,
    frontier INTEGER NOT NULL REFERENCES frontier (id),
    run INTEGER REFERENCES run (id),
    url TEXT,                       -- NULL: the frontier row's own URL; else where redirects or the API led
    fetched_at TEXT NOT NULL,
    seconds REAL,
    http_status INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    headers TEXT NOT NULL,
    error TEXT                      -- why nothing was read from it; NULL: it was
);
CREATE INDEX capture_of ON capture (frontier);
CREATE INDEX capture_of_run ON capture (run);

-- Bodies of captures, byte for byte, zstd frames; media bodies are in the media tree under the same hash.
CREATE TABLE body (
    sha256 TEXT PRIMARY KEY,
    zstd BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE article (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    cms_id TEXT NOT NULL,
    url TEXT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    content_type TEXT NOT NULL,
    first_published TEXT,
    first_published_raw TEXT,
    last_update TEXT,
    last_update_raw TEXT,
    summary TEXT NOT NULL,
    word_count INTEGER NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('api', 'page', 'partial')),
    content_hash TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_checked_at TEXT NOT NULL,
    gone_at TEXT,
    UNIQUE (site, cms_id)
);
CREATE INDEX article_published ON article (first_published);

CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    article INTEGER NOT NULL REFERENCES article (id),
    number INTEGER NOT NULL,        -- 1 = oldest
    fetched_at TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    source TEXT NOT NULL,
    json TEXT NOT NULL,             -- the article object as it came
    capture INTEGER NOT NULL REFERENCES capture (id),
    UNIQUE (article, number)
);
CREATE INDEX revision_of_capture ON revision (capture);

-- Paths that are known to lead to an article, so that a second spelling costs no request.
CREATE TABLE alias (
    key TEXT PRIMARY KEY,
    article INTEGER NOT NULL REFERENCES article (id)
) WITHOUT ROWID;

CREATE TABLE term (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('category', 'keyword', 'author')),
    site TEXT NOT NULL,
    cms_id TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    url TEXT NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (kind, site, cms_id)
);
CREATE TABLE article_term (
    article INTEGER NOT NULL REFERENCES article (id),
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    term INTEGER NOT NULL REFERENCES term (id),
    PRIMARY KEY (article, kind, position)
) WITHOUT ROWID;
CREATE INDEX article_term_by_term ON article_term (term, article);

CREATE TABLE file (
    sha256 TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    extension TEXT NOT NULL,
    width INTEGER,
    height INTEGER
) WITHOUT ROWID;

-- What a media URL holds now; what it held before is in its captures.
CREATE TABLE holding (
    frontier INTEGER PRIMARY KEY REFERENCES frontier (id),
    sha256 TEXT NOT NULL REFERENCES file (sha256),
    fetched_at TEXT NOT NULL
);
CREATE INDEX holding_by_file ON holding (sha256);

-- The part a media URL plays in an article.
CREATE TABLE rendition (
    article INTEGER NOT NULL REFERENCES article (id),
    frontier INTEGER NOT NULL REFERENCES frontier (id),
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    attachment_id TEXT,
    transform TEXT,
    removed_at TEXT,                -- the article no longer mentions it
    PRIMARY KEY (article, frontier)
) WITHOUT ROWID;
CREATE INDEX rendition_by_media ON rendition (frontier);

-- Where the walk of a listing stands, and what each route to it gave. Walks are numbered, so that after a complete
-- one the items it no longer named can be told from the others.
CREATE TABLE listing (
    frontier INTEGER PRIMARY KEY REFERENCES frontier (id),
    walk INTEGER NOT NULL DEFAULT 1,
    cursor TEXT NOT NULL,           -- the crawler's note of where to go on; '' = the walk has ended
    seen INTEGER NOT NULL DEFAULT 0,
    verdict TEXT NOT NULL DEFAULT '',
    started_at TEXT NOT NULL,
    finished_at TEXT,
    mark INTEGER NOT NULL DEFAULT 0 -- the last walk that came down to what was known, or to the end: no hole above it
);
CREATE TABLE listing_route (
    frontier INTEGER NOT NULL REFERENCES frontier (id),
    route TEXT NOT NULL,
    pages INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL DEFAULT 0,
    claimed INTEGER,                -- the server's own total
    outcome TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (frontier, route)
) WITHOUT ROWID;
CREATE TABLE listing_item (
    frontier INTEGER NOT NULL REFERENCES frontier (id),
    item INTEGER NOT NULL REFERENCES frontier (id),
    route TEXT NOT NULL,
    walk INTEGER NOT NULL,          -- the last walk in which this route named it
    first_walk INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (frontier, item, route)
) WITHOUT ROWID;

-- When an article is looked at again, and what listings said of it.
CREATE TABLE recheck (
    article INTEGER PRIMARY KEY REFERENCES article (id),
    due_at REAL NOT NULL,
    turn REAL NOT NULL,             -- of what is due, the lowest goes first
    reason TEXT NOT NULL,
    checked_at REAL NOT NULL,
    interval REAL NOT NULL,         -- seconds
    signals TEXT NOT NULL DEFAULT '',   -- of what is held: what a listing would say of it
    heard TEXT NOT NULL DEFAULT '',     -- what a listing said last, if it was something else
    answered TEXT NOT NULL DEFAULT ''   -- the same, as it was when the article was checked
);
CREATE INDEX recheck_due ON recheck (due_at);

-- What was not there any more when it was asked for: first seen to be absent, last, and what became of it.
CREATE TABLE absence (
    frontier INTEGER NOT NULL REFERENCES frontier (id),
    since TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    gone_at TEXT,                   -- two absences that were far enough apart
    returned_at TEXT,
    evidence TEXT NOT NULL,
    PRIMARY KEY (frontier, since)
) WITHOUT ROWID;
CREATE INDEX absence_open ON absence (frontier) WHERE returned_at IS NULL;

-- The shape of what the CMS sends: in how many articles a field had a type.
CREATE TABLE shape (
    site TEXT NOT NULL,
    path TEXT NOT NULL,
    type TEXT NOT NULL,
    articles INTEGER NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    PRIMARY KEY (site, path, type)
) WITHOUT ROWID;

-- The sum behind the manifest root (storage/manifest.py), and the last capture that is in it. One row, or none.
CREATE TABLE manifest (
    capture INTEGER NOT NULL,
    sum BLOB NOT NULL
);

-- The folded columns repeat the others in a spelling without Arabic vowel signs and ligatures, only where it differs.
CREATE VIRTUAL TABLE search USING fts5 (
    title, summary, body, authors, keywords, categories,
    folded_title, folded_summary, folded_body, folded_authors, folded_keywords, folded_categories,
    tokenize = "unicode61 remove_diacritics 2",
    prefix = '3'
);

-- Public views ---------------------------------------------------------------------------------------------------

CREATE VIEW articles AS
SELECT a.site, a.cms_id AS id, a.url, a.title, a.status, a.first_published, a.last_update,
       a.first_published_raw, a.last_update_raw,
       (SELECT t.name FROM article_term AS at JOIN term AS t ON t.id = at.term
        WHERE at.article = a.id AND at.kind = 'category' ORDER BY at.position LIMIT 1) AS primary_category,
       (SELECT json_group_array(name) FROM (
            SELECT t.name FROM article_term AS at JOIN term AS t ON t.id = at.term
            WHERE at.article = a.id AND at.kind = 'author' ORDER BY at.position)) AS authors,
       (SELECT json_group_array(name) FROM (
            SELECT t.name FROM article_term AS at JOIN term AS t ON t.id = at.term
            WHERE at.article = a.id AND at.kind = 'keyword' ORDER BY at.position)) AS keywords,
       a.summary, a.word_count,
       (SELECT count(*) FROM revision AS r WHERE r.article = a.id) AS revisions,
       a.first_seen_at, a.last_checked_at, a.gone_at,
       a.content_type, a.source, a.content_hash
FROM article AS a;

CREATE VIEW revisions AS
SELECT a.site, a.cms_id AS article_id, r.number, r.fetched_at, r.content_hash, r.json, r.source
FROM revision AS r JOIN article AS a ON a.id = r.article;

CREATE VIEW media AS
SELECT coalesce(f.url, f.key) AS url, a.site, a.cms_id AS article_id, r.attachment_id, r.role, r.transform,
       CASE WHEN f.state = 'gone' THEN 'gone' WHEN h.sha256 IS NOT NULL THEN 'stored'
            WHEN f.state = 'done' THEN 'failed' WHEN f.state = 'doing' THEN 'queued' ELSE f.state END AS state,
       h.sha256, i.bytes, i.media_type, i.width, i.height,
       'media/' || substr(h.sha256, 1, 2) || '/' || substr(h.sha256, 3, 2) || '/' || h.sha256 || '.' || i.extension
           AS path,
       f.http_status, f.attempts, f.error, r.position, h.fetched_at, r.removed_at
FROM rendition AS r
JOIN article AS a ON a.id = r.article
JOIN frontier AS f ON f.id = r.frontier
LEFT JOIN holding AS h ON h.frontier = f.id
LEFT JOIN file AS i ON i.sha256 = h.sha256;

CREATE VIEW captures AS
SELECT coalesce(c.url, f.url, f.key) AS url, c.fetched_at, c.http_status, c.media_type, c.sha256, c.bytes,
       c.headers, c.run, c.seconds, c.error, f.kind, f.site
FROM capture AS c JOIN frontier AS f ON f.id = c.frontier;

CREATE VIEW categories AS
SELECT t.site, t.cms_id AS id, t.name, t.slug, t.url,
       (SELECT count(*) FROM article_term AS at WHERE at.term = t.id) AS articles
FROM term AS t WHERE t.kind = 'category';

CREATE VIEW keywords AS
SELECT t.site, t.cms_id AS id, t.name, t.slug, t.url,
       (SELECT count(*) FROM article_term AS at WHERE at.term = t.id) AS articles
FROM term AS t WHERE t.kind = 'keyword';

CREATE VIEW authors AS
SELECT t.site, t.cms_id AS id, t.name, t.slug, t.url,
       (SELECT count(*) FROM article_term AS at WHERE at.term = t.id) AS articles
FROM term AS t WHERE t.kind = 'author';

CREATE VIEW runs AS
SELECT id, command, started_at, finished_at, exit_status, requests, bytes, articles_new, articles_changed,
       articles_gone, media_new, failures, manifest_root
FROM run;

CREATE VIEW failures AS
SELECT coalesce(f.url, f.key) AS url, f.kind, f.error, f.attempts, f.last_attempt_at,
       CASE WHEN f.due_at IS NULL OR f.state = 'gone' THEN NULL
            ELSE strftime('%Y-%m-%dT%H:%M:%SZ', f.due_at, 'unixepoch') END AS next_attempt_at,
       f.fault, f.http_status, f.site
FROM frontier AS f
WHERE f.state = 'failed' OR (f.state = 'queued' AND f.fault IS NOT NULL);
