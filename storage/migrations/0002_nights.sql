-- Nights: when an article is looked at again, what was absent and since when, down to where a listing is known,
-- the shape of what the CMS sends, and one hash over all that a run left behind.

ALTER TABLE run ADD COLUMN manifest_root TEXT;

ALTER TABLE listing ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE listing_item ADD COLUMN first_walk INTEGER NOT NULL DEFAULT 1;
UPDATE listing_item SET first_walk = walk;

CREATE INDEX capture_of_run ON capture (run);
CREATE INDEX attempt_of_run ON attempt (run);

CREATE TABLE recheck (
    article INTEGER PRIMARY KEY REFERENCES article (id),
    due_at REAL NOT NULL,
    turn REAL NOT NULL,
    reason TEXT NOT NULL,
    checked_at REAL NOT NULL,
    interval REAL NOT NULL,
    signals TEXT NOT NULL DEFAULT '',
    heard TEXT NOT NULL DEFAULT '',
    answered TEXT NOT NULL DEFAULT ''
);
CREATE INDEX recheck_due ON recheck (due_at);
-- What is held already comes due over 36 nights, not in one.
INSERT INTO recheck (article, due_at, turn, reason, checked_at, interval)
SELECT id, due, due, 'a matter of routine', checked, due - checked FROM (
    SELECT id, unixepoch(last_checked_at) AS checked, unixepoch(last_checked_at) + 86400.0 * (1 + id % 36) AS due
    FROM article);

CREATE TABLE absence (
    frontier INTEGER NOT NULL REFERENCES frontier (id),
    since TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    gone_at TEXT,
    returned_at TEXT,
    evidence TEXT NOT NULL,
    PRIMARY KEY (frontier, since)
) WITHOUT ROWID;
CREATE INDEX absence_open ON absence (frontier) WHERE returned_at IS NULL;

CREATE TABLE shape (
    site TEXT NOT NULL,
    path TEXT NOT NULL,
    type TEXT NOT NULL,
    articles INTEGER NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    PRIMARY KEY (site, path, type)
) WITHOUT ROWID;

CREATE TABLE manifest (
    capture INTEGER NOT NULL,
    sum BLOB NOT NULL
);

DROP VIEW runs;
CREATE VIEW runs AS
SELECT id, command, started_at, finished_at, exit_status, requests, bytes, articles_new, articles_changed,
       articles_gone, media_new, failures, manifest_root
FROM run;
