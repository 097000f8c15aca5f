"""What listens for the CMS's webhook: whom it believes, what it notes, and what strangers learn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from backfile import capturing
from backfile.capturing import Capturer, Setting
from backfile.exits import Exit
from backfile.hooks import BURST, MAX_BODY, Allowance, Receiver, Sender
from backfile.serving import served
from backfile.settings import Secret
from simulator import Newsroom, Options
from simulator.events import Kind
from simulator.webhooks import SIGNATURE, sign
from storage.lock import locked
from storage.notes import Note, Notes
from storage.opening import open_store
from tests.crawling import column, settings, site_of

SECRET = "the newsroom's secret"
ZONE = "Africa/Johannesburg"


def message(article: str = "7", at: str = "2026-01-23 12:23:37", **more: object) -> bytes:
    """Return a body A (contract 7.1)."""
    return json.dumps({"article_id": article, "timestamp": at, **more}).encode()


@dataclass
class Door:
    """A receiver on a port of its own, and what it noted."""

    notes: Notes
    url: str = ""
    heard: list[Note] = field(default_factory=list)

    async def post(self, body: bytes, *signatures: str, path: str = "/hook/dm", method: str = "POST") -> int:
        """Post a body, signed rightly unless told otherwise; returns the status."""
        chosen = signatures or (sign(SECRET, body),)
        async with aiohttp.ClientSession() as session:
            headers = [(SIGNATURE, signature) for signature in chosen]
            async with session.request(method, self.url + path, data=body, headers=headers) as answer:
                assert "aiohttp" not in str(answer.headers)
                return answer.status


@asynccontextmanager
async def listening(archive: Path) -> AsyncIterator[Door]:
    """Run a receiver for one site."""
    door = Door(Notes(archive))
    sender = Sender("dm", ZONE, Secret(SECRET))
    receiver = Receiver({"dm": sender}, door.notes, door.heard.append)
    async with served(receiver.application(), "127.0.0.1", 0) as port:
        door.url = f"http://127.0.0.1:{port}"
        yield door


async def test_a_signed_message_is_noted_once(tmp_path: Path) -> None:
    """The first time it is accepted, the second time it changes nothing; also after a restart."""
    async with listening(tmp_path) as door:
        assert await door.post(message()) == 202
        assert await door.post(message()) == 200
        assert [note.article for note in door.heard] == ["7"]
    door.notes.settle(door.notes.waiting())
    async with listening(tmp_path) as door:
        assert await door.post(message()) == 200
        assert (door.heard, door.notes.waiting()) == ([], [])
        assert await door.post(message(queueId="another")) == 202


async def test_an_old_message_is_refused(tmp_path: Path) -> None:
    """What comes hours after a newer one is no news, though it is signed; and its memory is not kept for ever."""
    async with listening(tmp_path) as door:
        assert await door.post(message("1", "2026-01-23 06:00:00")) == 202
        door.notes.settle(door.notes.waiting())
        assert await door.post(message("2", "2026-01-23 12:00:00")) == 202
        assert await door.post(message("3", "2026-01-23 10:30:00")) == 202
        assert await door.post(message("1", "2026-01-23 06:00:00")) == 403
        assert await door.post(message("4", "2026-01-23 09:00:00")) == 403
        assert await door.post(message("5", "2026-01-23 12:00:01")) == 202
    kept = {path.name.split(".")[2] for path in (tmp_path / "hooks").rglob("*.*.*.*")}
    assert kept == {"2", "3", "5"}


@pytest.mark.parametrize(
    "body, signatures, path, method, status",
    [
        (message(), ("sha256=" + "0" * 64,), "/hook/dm", "POST", 401),
        (message(), ("",), "/hook/dm", "POST", 401),
        (message(), (sign(SECRET, message()),) * 2, "/hook/dm", "POST", 401),
        (message(), (), "/hook/olj", "POST", 404),
        (message(), (), "/", "POST", 404),
        (message(), (), "/hook/dm", "GET", 405),
        (message(), (), "/hook/dm", "DELETE", 405),
        (b"x" * (MAX_BODY + 1), (), "/hook/dm", "POST", 413),
        (b"not json", (), "/hook/dm", "POST", 400),
        (message("../../etc/passwd"), (), "/hook/dm", "POST", 400),
        (message(at="yesterday"), (), "/hook/dm", "POST", 400),
    ],
    ids=[
        "wrong", "unsigned", "twice", "unknown-site", "no-hook", "get", "delete", "large", "no-json", "no-id", "when",
    ],
)  # fmt: skip
async def test_what_is_not_believed_leaves_nothing(
    tmp_path: Path, body: bytes, signatures: tuple[str, ...], path: str, method: str, status: int
) -> None:
    """Each mistake has its status, and no file is made, whatever a body asks for."""
    async with listening(tmp_path) as door:
        assert await door.post(body, *signatures, path=path, method=method) == status
    assert list(tmp_path.iterdir()) == []


async def test_strangers_are_put_off_and_the_newsroom_is_not(tmp_path: Path) -> None:
    """Whoever guesses is told to wait; what is signed passes all the same, from the same address."""
    async with listening(tmp_path) as door:
        statuses = {await door.post(message(), "sha256=guess") for _ in range(BURST + 5)}
        assert statuses == {401, 429}
        assert await door.post(message()) == 202


def test_an_address_that_waits_may_ask_again() -> None:
    """The allowance comes back with time, each address has its own, and their number is bounded."""
    now = 0.0
    allowance = Allowance(lambda: now)
    assert [allowance.take("a") for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert allowance.take("b")
    now = 2.0
    assert [allowance.take("a"), allowance.take("a")] == [True, False]
    for number in range(5000):
        allowance.take(str(number))
    assert len(allowance._left) < 5000


async def test_a_disk_that_cannot_be_written_is_the_receivers_trouble(tmp_path: Path) -> None:
    """The CMS hears that it was not taken; the server goes on."""
    (tmp_path / "hooks").write_text("in the way")
    async with listening(tmp_path) as door:
        assert await door.post(message()) == 503
        (tmp_path / "hooks").unlink()
        assert await door.post(message()) == 202


@asynccontextmanager
async def capturing_from(
    room: Newsroom, archive: Path, *, key: str = "box-key"
) -> AsyncIterator[tuple[Capturer, asyncio.Queue[tuple[list[str], Exit]]]]:
    """Capture what is noted of a newsroom; yields the capturer, and what it captured."""
    captured: asyncio.Queue[tuple[list[str], Exit]] = asyncio.Queue()
    setting = Setting(archive, (site_of(room, key=key),), settings(), 0)
    capturer = Capturer(setting, Notes(archive), lambda one: captured.put_nowait((list(one.articles), one.status)))
    task = asyncio.create_task(capturer.run())
    try:
        yield capturer, captured
    finally:
        capturer.stop()
        await asyncio.wait_for(task, 30)


async def test_a_saved_article_is_captured(tmp_path: Path) -> None:
    """What the newsroom saves is in the archive without anybody crawling; several saves are one short crawl."""
    archive = tmp_path / "archive"
    async with listening(archive) as door:
        hook = f"{door.url}/hook/dm"
        async with Newsroom(Options(articles=20, webhook=hook, webhook_secret=SECRET)) as room:
            first, second = list(room.inventory.articles())[:2]
            for article in (first, second):
                room.happen(Kind.EDITED, article=article, changed=("title",))
            hooks = room.life.hooks
            assert hooks is not None
            await asyncio.wait_for(hooks.settle(), 20)
            assert (hooks.delivered, hooks.failed) == (2, 0)
            async with capturing_from(room, archive) as (_, captured):
                assert await asyncio.wait_for(captured.get(), 30) == (sorted([f"dm:{first}", f"dm:{second}"]), Exit.OK)
    assert column(archive, "SELECT id FROM articles") >= {first, second}
    assert column(archive, "SELECT command FROM runs") == {"listen"}
    assert door.notes.waiting() == []


async def test_the_whole_of_a_newsrooms_life_is_noted(tmp_path: Path) -> None:
    """Days of saves, by the newsroom's own clock, which is years away from ours: none is refused."""
    async with listening(tmp_path) as door:
        options = Options(articles=60, days=4, webhook=f"{door.url}/hook/dm", webhook_secret=SECRET)
        async with Newsroom(options) as room:
            room.pass_days(4)
            hooks = room.life.hooks
            assert hooks is not None
            await asyncio.wait_for(hooks.settle(), 30)
            assert (hooks.failed, hooks.delivered) == (0, len(door.heard))
            assert len(door.heard) > BURST
            assert abs(room.now - datetime.now(UTC)) > timedelta(days=30)


async def test_an_archive_in_use_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another run has the archive the note waits; then it is captured."""
    monkeypatch.setattr(capturing, "BUSY_SECONDS", 0.01)
    async with Newsroom(Options(articles=5)) as room:
        article = next(iter(room.inventory.articles()))
        Notes(tmp_path).add(Note("2026-01-23T10:23:37Z", "dm", article, "a" * 64))
        with locked(tmp_path):
            tries = attempts_at_the_archive(monkeypatch)
            async with capturing_from(room, tmp_path) as (_, captured):
                await asyncio.wait_for(tries.acquire(), 10)
                await asyncio.wait_for(tries.acquire(), 10)
                assert captured.empty()
        assert [note.article for note in Notes(tmp_path).waiting()] == [article]
        async with capturing_from(room, tmp_path) as (_, captured):
            assert await asyncio.wait_for(captured.get(), 30) == ([f"dm:{article}"], Exit.OK)
    assert Notes(tmp_path).waiting() == []


def attempts_at_the_archive(monkeypatch: pytest.MonkeyPatch) -> asyncio.Semaphore:
    """Count the attempts to open the archive."""
    tries = asyncio.Semaphore(0)

    def counted(*arguments: object, **more: object) -> object:
        tries.release()
        return open_store(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(capturing, "open_store", counted)
    return tries


async def test_a_refused_key_is_not_sent_again(tmp_path: Path) -> None:
    """One refusal, and the site's notes wait for a run with the right key."""
    async with Newsroom(Options(articles=5)) as room:
        article = next(iter(room.inventory.articles()))
        Notes(tmp_path).add(Note("2026-01-23T10:23:37Z", "dm", article, "a" * 64))
        async with capturing_from(room, tmp_path, key="wrong-key-of-the-box") as (capturer, captured):
            _, status = await asyncio.wait_for(captured.get(), 30)
            assert status == Exit.KEY_REFUSED
            capturer.wake()
    assert [note.article for note in Notes(tmp_path).waiting()] == [article]
    assert len(column(tmp_path, "SELECT id FROM runs")) == 1


async def test_what_was_not_captured_before_the_end_waits(tmp_path: Path) -> None:
    """A capturer that is stopped at once loses no note."""
    async with Newsroom(Options(articles=5)) as room:
        article = next(iter(room.inventory.articles()))
        Notes(tmp_path).add(Note("2026-01-23T10:23:37Z", "dm", article, "a" * 64))
        async with capturing_from(room, tmp_path) as (capturer, captured):
            capturer.stop()
    assert captured.empty()
    assert len(Notes(tmp_path).waiting()) == 1


async def test_a_site_that_is_no_longer_configured_is_let_go(tmp_path: Path) -> None:
    """Its notes are settled, since nobody could ever capture them; those of other sites are captured."""
    async with Newsroom(Options(articles=5)) as room:
        article = next(iter(room.inventory.articles()))
        Notes(tmp_path).add(Note("2026-01-23T10:23:37Z", "olj", "7", "a" * 64))
        Notes(tmp_path).add(Note("2026-01-23T10:23:37Z", "dm", article, "b" * 64))
        async with capturing_from(room, tmp_path) as (_, captured):
            assert await asyncio.wait_for(captured.get(), 30) == ([f"dm:{article}"], Exit.OK)
    assert Notes(tmp_path).waiting() == []
