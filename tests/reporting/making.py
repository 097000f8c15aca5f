"""Archives with runs to report: of a newsroom that lives, and of articles written to do harm."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from backfile.reporting.facts import Report, gather
from backfile.reporting.traffic import Promise
from simulator import Newsroom, Options
from storage.reading import open_reading
from tests.crawling import column, crawl, settings, site_of
from tests.reader.making import shelved
from tests.reader.payloads import PAYLOADS, poisoned

RATE, AT_ONCE = 50.0, 8
PROMISE = Promise(RATE, AT_ONCE)


async def lived(folder: Path) -> None:
    """Crawl a newsroom, let three days pass in it, and crawl all of it again; one kind of picture never comes."""
    options = Options(articles=40, days=6, events=30, faults=("http-404:0.3:url=portrait_:forever",))
    chosen = settings(rate=RATE, per_host_concurrency=AT_ONCE)
    async with Newsroom(options) as room:
        site = site_of(room, key="box-key")
        await crawl(folder, site, "dm:publication/1", chosen=chosen)
        room.pass_days(3)
        held = [f"dm:{cms_id}" for cms_id in column(folder, "SELECT id FROM articles")]
        await crawl(folder, site, "dm:publication/1", *held, refresh=True, chosen=chosen)


async def harmed(folder: Path, number: int = 90) -> None:
    """Keep articles that hold a hostile text in every field, twice, so that each of them has changed."""
    first = [poisoned(place, PAYLOADS[place * 3 % len(PAYLOADS)]) for place in range(number)]
    await shelved(folder, first)
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database:
        database.execute("UPDATE frontier SET state = 'skipped', due_at = NULL WHERE kind = 'media'")
        database.commit()
    (folder / "archive.seal").unlink()  # of a database that was changed by hand
    await shelved(folder, [{**poisoned(place, PAYLOADS[place * 3 + 1]), "id": one["id"]}
                           for place, one in enumerate(first[:40])])  # fmt: skip
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database:
        payload = "<script>alert(1)</script>\x00\x1b[31m\u202e"
        database.execute("UPDATE run SET command = ?, notes = json_array(?)", (payload, payload))
        database.execute(
            "INSERT INTO attempt (frontier, run, at, fault, error) "
            "SELECT id, 2, '2023-11-14T22:13:20Z', ?, ? FROM frontier",
            (payload, payload),
        )
        database.execute("UPDATE frontier SET state = 'failed', fault = ?, error = ? WHERE id > 45", (payload, payload))
        database.execute(
            "INSERT INTO absence (frontier, since, seen_at, evidence) SELECT f.id, r.started_at, r.started_at, ? "
            "FROM frontier AS f, run AS r WHERE r.id = 2 AND f.kind = 'article' AND f.id < 12",
            (payload,),
        )
        database.commit()


def told(folder: Path, run: int | None = None) -> Report:
    """Return the facts of a run of an archive."""
    with open_reading(folder) as reading:
        return gather(reading, run, PROMISE)
