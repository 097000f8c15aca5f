"""Shapes: in how many articles of a site each field had which kind of value, kept over all runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from storage.clock import iso


def known(connection: sqlite3.Connection, site: str) -> dict[tuple[str, str], int]:
    """Return in how many articles of a site each path had each kind of value."""
    rows = connection.execute("SELECT path, type, articles FROM shape WHERE site = ?", (site,))
    return {(path, kind): number for path, kind, number in rows}


def add(connection: sqlite3.Connection, site: str, seen: Mapping[tuple[str, str], int], now: float) -> None:
    """Add what a run has seen."""
    connection.executemany(
        "INSERT INTO shape (site, path, type, articles, first_seen_at, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "
        "ON CONFLICT (site, path, type) DO UPDATE SET articles = articles + excluded.articles,"
        " last_seen_at = excluded.last_seen_at",
        [(site, path, kind, number, iso(now)) for (path, kind), number in seen.items()],
    )


def forget(connection: sqlite3.Connection, site: str) -> None:
    """Forget what was known of a site."""
    connection.execute("DELETE FROM shape WHERE site = ?", (site,))
