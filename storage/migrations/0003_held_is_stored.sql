-- A picture that is held stays stored while it is looked at again, and when that fails.

DROP VIEW media;
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
