"""`browse`: the reading room, on this machine and without any network."""

from __future__ import annotations

import asyncio
import signal
import stat
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backfile.config import Config
from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit
from crawler.errors import BadURL
from crawler.sites import Site
from crawler.targets import Target, classify

if TYPE_CHECKING:
    from reader.room import RoomSettings

_SHORTEST = 8  # characters of a password


def browse(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen; default: as configured.")] = "",
    port: Annotated[int, typer.Option(min=-1, max=65535, help="And on which port; 0: any free one.")] = -1,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the front page in a browser.")] = False,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask for the password in this file; needed to listen beyond this machine."),
    ] = None,
) -> int:
    """Read the archive in a browser: front page, articles, search, revisions, pictures, calendar.

    Works without a network, beside a running crawl, and from read-only media. Listens on this machine only, unless it
    is told otherwise and given a password. Runs until it is stopped (Ctrl-C is its normal end).

    Example:
        backfile browse --open
    """
    own: Context = context.obj
    config, sites = own.ready()
    table = config.settings.reader
    where = host or table.host
    settings = _settings(config, sites, where, _password(password_file))
    asyncio.run(_serve(own, settings, where, port if port >= 0 else table.port, open_browser))
    return Exit.OK


def _settings(config: Config, sites: tuple[Site, ...], host: str, password: str) -> RoomSettings:
    from reader.guard import is_loopback

    if not is_loopback(host) and not password:
        raise UsageError(
            f"--host {host} can be reached from other machines, so anybody there could read the archive; "
            "name a file with a password with --password-file"
        )
    names = (*config.settings.reader.names, host)
    return replace(reading_room(config, sites), names=names, password=password)


def reading_room(config: Config, sites: tuple[Site, ...]) -> RoomSettings:
    """Return what the reading room needs to know: the archive, the newsrooms, and which addresses are theirs."""
    from reader.room import Newsroom, RoomSettings

    def meaning(url: str) -> tuple[str, str] | None:
        try:
            found = classify(url, sites)
        except BadURL:
            return None
        return (found.kind.value, found.key) if isinstance(found, Target) else None

    titles = {block.name: block.title for block in config.settings.sites}
    return RoomSettings(
        archive=config.archive,
        newsrooms=tuple(Newsroom(site.name, titles[site.name] or site.name, site.timezone) for site in sites),
        classify=meaning,
    )


def _password(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the password file {path} cannot be read ({error}); name another with --password-file"
        ) from error
    if mode & 0o077:
        raise UsageError(
            f"the password file {path} can be read by others (mode {mode:04o}), so it is no secret. Run: "
            f"chmod 600 {path}"
        )
    if len(password) < _SHORTEST:
        raise UsageError(f"the password in {path} has fewer than {_SHORTEST} characters; write a longer one into it")
    return password


async def _serve(own: Context, settings: RoomSettings, host: str, port: int, open_browser: bool) -> None:
    from backfile.serving import served
    from reader.app import application

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with served(application(settings), host, port) as bound:
        url = _url(host, bound)
        own.out.print(f"reading {settings.archive} at {url} (Ctrl-C ends it)", markup=False)
        if open_browser:
            webbrowser.open(url)
        await stop.wait()


def _url(host: str, port: int) -> str:
    """Return an address that a browser on this machine can open."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"
