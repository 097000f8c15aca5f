"""A whole crawl, as users run it, of a CMS that repeats our key everywhere and speaks in escapes and quotes."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import zstandard

from tests.security.server import Server, ok, redirect, running

KEY = "k3y+0f/the=newsroom-1234567890"
QUOTED = quote(KEY, safe="")
HOSTILE = "'); DROP TABLE article;-- \x1b[2J\x1b]0;owned\x07\u202e\r\n../../../../etc/passwd %s {0} <script>"


def article(server: Server, number: str, **changes: Any) -> bytes:
    """Return an API answer with an article whose every text is hostile."""
    picture = f"{server.url}/../../{quote(HOSTILE)}/{number}.png"
    fields = {
        "objectType": "Article", "id": number, "url": f"{server.url}/article/{number}", "title": HOSTILE,
        "slug": "../../etc/passwd", "contents": f"<p>{HOSTILE} {KEY}</p>", "status": HOSTILE, "summary": HOSTILE,
        "categories": [{"id": "../7", "name": HOSTILE, "slug": HOSTILE, "url": HOSTILE}],
        "keywords": [{"type": "Keyword", "data": {"keywordId": "8", "name": HOSTILE, "slug": f"x?key={QUOTED}"}}],
        "authors": [{"id": HOSTILE, "name": HOSTILE}],
        "attachments": [{"id": "../9", "name": HOSTILE, "url": picture, "type": "image"}],
        "next": f"{server.url}/cms/content/6?key={QUOTED}",
    }  # fmt: skip
    return json.dumps({"data": [{**fields, **changes}]}).encode()


def repeating(server: Server) -> None:
    """Let the server repeat the key in every way that it has."""
    echo = [f"X-Echo: {KEY}", f"X-Next: /x?key={QUOTED}", f"Set-Cookie: session={KEY}", "Connection: close"]
    server.answers["/cms/content/5"] = ok(article(server, "5"), "Content-Type: application/json", *echo)
    refusal = json.dumps({"error": True, "message": f"{HOSTILE} {KEY}"}).encode()
    server.answers["/cms/content/6"] = (
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(refusal)
    ) + refusal
    server.answers["/cms/content/7"] = redirect(f"/cms/content/7?again={QUOTED}")
    server.answers[f"/cms/content/7?again={QUOTED}"] = redirect(f"/cms/content/7?again={QUOTED}")
    server.answers["/cms/content/8"] = redirect(f"http://elsewhere.example/{KEY}")
    server.answers["/cms/content/9"] = ok(f"not JSON: {KEY}".encode(), *echo)


async def backfile(*arguments: str, folder: Path) -> tuple[int, str]:
    """Run the program with the key in its environment; returns its status, and all that it said."""
    environment = {**os.environ, "BOX_KEY": KEY, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backfile.cli", "--config", "box.toml", *arguments,
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def configuration(server: Server) -> str:
    """Return a configuration of this server with a key for its API."""
    return f"""
[archive]
path = "archive"
min_free_mb = 0
[crawl]
rate = 0.0
retries = 0
read_timeout = 5.0
robots = false
[[sites]]
name = "box"
base_url = "{server.url}"
api_url = "{server.url}/cms"
api_key_env = "BOX_KEY"
media_hosts = ["{server.host}"]
"""


async def test_neither_the_key_nor_a_command_gets_into_the_archive_or_the_terminal(tmp_path: Path) -> None:
    """No file of the archive, no word of output at its most talkative, holds the key; hostile texts stay texts."""
    async with running() as server:
        repeating(server)
        (tmp_path / "box.toml").write_text(configuration(server), encoding="utf-8")
        targets = [f"box:{number}" for number in range(5, 10)]
        status, crawled = await backfile("-v", "-v", "crawl", "--json", *targets, folder=tmp_path)
    said = [crawled]
    looks = (["status"], ["status", "--json"], ["config", "show"], ["config", "check"], ["search", "DROP"],
             ["show", "5"], ["verify"])  # fmt: skip
    said += [text for _, text in await asyncio.gather(*(backfile("-v", *look, folder=tmp_path) for look in looks))]
    assert status == 1
    assert any("/cms/content/5" in path for path, _ in server.requests)
    assert f"'api-key': '{KEY}'" in str(server.requests)
    holders = [path for path in tmp_path.rglob("*") if path.is_file() and holds_key(path.read_bytes())]
    assert holders == []
    assert not any(holds_key(text.encode()) for text in said)
    assert not {"\x1b", "\x07", "\u202e"} & set("".join(text for text in said if not text.startswith("{")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "box.toml"]
    check_database(tmp_path / "archive" / "archive.db")


def holds_key(content: bytes) -> bool:
    """Say whether the key stands there, spelt out or percent-encoded."""
    return KEY.encode() in content or QUOTED.encode() in content


def check_database(path: Path) -> None:
    """Fail when the article is not there as it came, but for the key, or the key hides in a compressed body."""
    unpack = zstandard.ZstdDecompressor().decompress
    database = sqlite3.connect(path)
    title, terms = database.execute("SELECT title, json(keywords) FROM articles").fetchone()
    assert title == HOSTILE.strip()
    assert HOSTILE.strip()[:20] in json.loads(terms)[0]
    assert database.execute("SELECT count(*) FROM revisions WHERE json LIKE '%DROP TABLE%'").fetchone() == (1,)
    for (text,) in database.execute("SELECT json FROM revisions UNION ALL SELECT headers FROM captures"):
        assert not holds_key(text.encode())
    bodies = [unpack(packed) for (packed,) in database.execute("SELECT zstd FROM body")]
    assert any(b"not JSON" in body for body in bodies)
    assert not any(holds_key(body) for body in bodies)
    assert "Set-Cookie" not in str(database.execute("SELECT headers FROM captures").fetchall())
    database.close()
