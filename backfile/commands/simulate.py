"""`simulate`: the newsroom in a box."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit

if TYPE_CHECKING:
    from simulator import Newsroom


def simulate(
    context: typer.Context,
    more_faults: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", hidden=True)] = None,
    profile: Annotated[str, typer.Option(metavar="dm|olj", help="Which installation to play.")] = "dm",
    articles: Annotated[int, typer.Option(min=0, help="How many articles it holds.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same newsroom.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="Serve real host names with a throw-away CA.")] = False,
    replay: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Serve the article JSON files of a folder instead.")
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:RATE]...", help="What goes wrong, one or more. 'list' names all."),
    ] = None,
    latency: Annotated[float, typer.Option(metavar="MS", min=0, help="Delay every answer.")] = 0.0,
    paging: Annotated[
        str, typer.Option(metavar="page|broken", help="How API lists page; default: the profile's.")
    ] = "",
    days: Annotated[
        int, typer.Option(min=0, metavar="N", help="Days whose events are planned; 0: nothing happens.")
    ] = 0,
    events: Annotated[int, typer.Option(min=1, metavar="N", help="What happens on each of these days.")] = 40,
    day_length: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Real seconds that a day takes; 0: it passes when told to."),
    ] = 0.0,
    webhook: Annotated[str, typer.Option(metavar="URL", help="POST here about every saved article.")] = "",
    webhook_secret_env: Annotated[
        str, typer.Option(metavar="NAME", help="The environment variable with the secret to sign that with.")
    ] = "",
    write_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the config.toml that points backfile here.")
    ] = None,
    log_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the request log as JSON Lines.")] = None,
) -> int:
    """Play a newsroom on this machine: its CMS API, public pages, listings, sitemaps and pictures.

    Runs until it is stopped (Ctrl-C is its normal end). Deterministic by --seed; three hundred thousand articles start
    as fast as ten.

    With --days the newsroom lives. Its clock starts at midnight, site-local, after its newest article; as it moves,
    articles are published, edited (with and without a new lastUpdate), re-categorised, taken down and restored,
    pictures swapped, keywords merged, categories renamed. A day takes --day-length real seconds. Without it the clock
    moves only when told to: POST /_box/clock?days=1 (or seconds=N, to=INSTANT). GET /_box/history.json is the truth
    to compare an archive with: every event so far, and each article at the end of each day.

    Example:
        backfile simulate --days 60 --port 8090 --write-config box.toml &

        BACKFILE_DM_KEY=box-key backfile --config box.toml crawl

        curl -X POST 'http://127.0.0.1:8090/_box/clock?days=1'
    """
    from simulator import Newsroom, Options
    from simulator.faults import FAULTS, FORM

    own: Context = context.obj
    if more_faults and not faults:
        raise UsageError(f"{more_faults[0]!r} is no option of simulate; did you mean --faults {more_faults[0]}?")
    wrong = tuple(name for text in (*(faults or ()), *(more_faults or ())) for name in text.split(",") if name)
    if "list" in wrong:
        own.out.print(FORM, markup=False)
        for name, fault in FAULTS.items():
            own.out.print(f"{name:<24} {fault.about}", markup=False)
        return Exit.OK
    try:
        options = Options(
            profile=profile, articles=articles, seed=seed, port=port, tls=tls, replay=replay,
            faults=wrong, latency_ms=latency, paging=paging or None, log_file=log_file,
            days=days, events=events, day_length=day_length,
            webhook=webhook, webhook_secret=_secret(webhook_secret_env) if webhook else "",
        )  # fmt: skip
        room = Newsroom(options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    archive = str(own.archive) if own.archive else "archive"
    asyncio.run(_serve(room, write_config, archive))
    return Exit.OK


def _secret(name: str) -> str:
    """Return the secret that webhooks are signed with. Raises UsageError."""
    secret = os.environ.get(name, "") if name else ""
    if not secret:
        missing = f"the environment variable {name} is not set" if name else "--webhook-secret-env names none"
        raise UsageError(f"--webhook needs a secret to sign with, and {missing}; set one that the receiver knows")
    return secret


async def _serve(room: Newsroom, write_config: Path | None, archive: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await room.start()
    except (RuntimeError, OSError) as error:
        raise UsageError(f"the newsroom cannot start: {error}") from error
    try:
        configuration = room.config_toml(archive)
        if write_config is not None:
            _write(write_config, configuration)
        _tell(room.url, configuration, write_config)
        await stop.wait()
    finally:
        await room.stop()


def _write(path: Path, configuration: str) -> None:
    try:
        path.write_text(configuration, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--write-config {path}: the configuration cannot be written there ({error.strerror}); name a file in a "
            "folder that is there and writable"
        ) from error


def _tell(url: str, configuration: str, write_config: Path | None) -> None:
    exports = [line.removeprefix("# ") for line in configuration.splitlines() if line.startswith("# export ")]
    lines = [f"listening on {url}"]
    if write_config is not None:
        lines += [f"wrote {write_config}; in another terminal:", *(f"  {line}" for line in exports)]
        lines.append(f"  backfile --config {write_config} crawl")
    typer.echo("\n".join(lines))
