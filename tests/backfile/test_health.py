"""The health check: a real monitor on this machine hears of a night, and no trouble with it is the night's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from backfile import health
from backfile.config import load
from backfile.errors import ConfigError
from backfile.exits import Exit
from backfile.health import Monitor, Stage, monitor_of, ping, stage_of
from backfile.serving import served
from crawler.fetch import FetchSettings
from tests.backfile.test_command_line import backfile

NETWORK = FetchSettings("backfile-test/1")
SECRET_PATH = "5f0b6c0e-secret"


@dataclass
class Heard:
    """A monitor: its address, and what it was told."""

    url: str = ""
    told: list[tuple[str, str, str]] = field(default_factory=list)  # method, path with query, body


@asynccontextmanager
async def monitor(answer: Callable[[int], web.StreamResponse]) -> AsyncIterator[Heard]:
    """Run a monitor; `answer` makes each answer from the number of requests so far."""
    heard = Heard()

    async def hear(request: web.Request) -> web.StreamResponse:
        heard.told.append((request.method, request.path_qs, await request.text()))
        return answer(len(heard.told))

    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", hear)
    async with served(application, "127.0.0.1", 0) as port:
        heard.url = f"http://127.0.0.1:{port}"
        yield heard


async def test_start_success_and_failure_are_told_with_the_result() -> None:
    """Each has its own address, made from the configured one; the body is the line of result."""
    async with monitor(lambda _: web.Response()) as heard:
        one = Monitor(f"{heard.url}/ping/{SECRET_PATH}?rid=7", NETWORK)
        await ping(one, Stage.START)
        await ping(one, Stage.SUCCESS, "3 new, 1 changed: tout est archivé")
        await ping(Monitor(f"{heard.url}/ping/", NETWORK), Stage.FAILURE, "the site cannot be reached")
    assert heard.told == [
        ("POST", f"/ping/{SECRET_PATH}/start?rid=7", ""),
        ("POST", f"/ping/{SECRET_PATH}?rid=7", "3 new, 1 changed: tout est archivé"),
        ("POST", "/ping/fail", "the site cannot be reached"),
    ]


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_a_monitor_in_trouble_is_asked_twice_and_named_once(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One more try, then one warning with the host, but not the path that is the check's secret."""
    elsewhere = {"Location": "/elsewhere"}
    async with monitor(lambda _: web.Response(status=status, headers=elsewhere)) as heard:
        with caplog.at_level(logging.WARNING):
            await ping(Monitor(f"{heard.url}/{SECRET_PATH}", NETWORK), Stage.SUCCESS, "well")
    assert [path for _, path, _ in heard.told] == [f"/{SECRET_PATH}"] * 2
    assert len(caplog.records) == 1
    assert str(status) in caplog.text
    assert SECRET_PATH not in caplog.text


async def test_a_second_try_that_succeeds_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A monitor that was away for a moment has heard of it all the same."""
    async with monitor(lambda number: web.Response(status=503 if number == 1 else 200)) as heard:
        await ping(Monitor(heard.url, NETWORK), Stage.SUCCESS)
    assert len(heard.told) == 2
    assert caplog.records == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/x", "http://no-such-host.invalid/x", "http://169.254.169.254/x", "https://127.0.0.1:1/x"],
)
async def test_a_monitor_that_cannot_be_reached_is_one_warning(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """A closed port, a name without an address, an address that nothing may ask: the run goes on."""
    await ping(Monitor(url, NETWORK), Stage.START)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "/x" not in caplog.text


async def test_a_monitor_that_never_answers_does_not_hold_up_the_night(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After the time-out, twice, the run goes on."""
    monkeypatch.setattr(health, "TIMEOUT", 0.05)
    callers: list[asyncio.StreamWriter] = []
    silence = await asyncio.start_server(lambda _reader, writer: callers.append(writer), "127.0.0.1", 0)
    port = silence.sockets[0].getsockname()[1]
    await ping(Monitor(f"http://127.0.0.1:{port}/", NETWORK), Stage.START)
    silence.close()
    for caller in callers:
        caller.close()
    assert len(callers) == 2
    assert "no answer" in caplog.text


async def test_without_a_monitor_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The default is no health check, and nothing to warn of."""
    await ping(None, Stage.START)
    assert caplog.records == []


def test_only_exit_status_0_is_success() -> None:
    """Whatever else a run ends with, the monitor is to show it."""
    assert [status for status in Exit if stage_of(status) is Stage.SUCCESS] == [Exit.OK]


@pytest.mark.parametrize("url", ["hc-ping.com/x", "ftp://hc-ping.com/x", "https://me:pw@hc-ping.com/x", "https:///x"])
def test_an_address_that_cannot_be_asked_is_refused(tmp_path: Path, url: str) -> None:
    """Nobody would hear of a night; the message names the key, and keeps the address to itself."""
    path = tmp_path / "config.toml"
    path.write_text(f'[report]\nping_url = "{url}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="ping_url") as caught:
        monitor_of(load(path, environment={}), NETWORK)
    assert url not in str(caught.value)


def test_the_monitor_comes_from_the_file_or_the_environment(tmp_path: Path) -> None:
    """The address may be kept out of the file, and never prints whole."""
    (tmp_path / "config.toml").touch()
    assert monitor_of(load(tmp_path / "config.toml", environment={}), NETWORK) is None
    kept = {"BACKFILE_REPORT_PING_URL": f"https://hc-ping.com/{SECRET_PATH}"}
    found = monitor_of(load(tmp_path / "config.toml", environment=kept), NETWORK)
    assert found == Monitor(f"https://hc-ping.com/{SECRET_PATH}", NETWORK)
    assert SECRET_PATH not in repr(found)


def test_the_address_is_checked_beforehand_and_never_shown(tmp_path: Path) -> None:
    """`config check` refuses what a night would stumble over; `config show` prints no more than the monitor's host."""
    config = tmp_path / "config.toml"
    config.write_text(f'[report]\nping_url = "https://hc-ping.com/{SECRET_PATH}"\n', encoding="utf-8")
    assert backfile("config", "check", folder=tmp_path).returncode == 0
    shown = backfile("config", "show", folder=tmp_path).stdout
    assert 'ping_url = "https://hc-ping.com/********"' in shown
    assert SECRET_PATH not in shown
    config.write_text('[report]\nping_url = "nowhere"\n', encoding="utf-8")
    refused = backfile("config", "check", folder=tmp_path)
    assert refused.returncode == 2
    assert "ping_url" in refused.stderr
