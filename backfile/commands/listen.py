"""`listen`: take the CMS's webhook, and capture an article within seconds of its being saved."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backfile.config import Config
from backfile.context import Context
from backfile.errors import ConfigError
from backfile.exits import MEANINGS, Exit
from backfile.metrics import facts_of, metrics_file, write_metrics
from backfile.output import print_json
from backfile.settings import Secret
from backfile.sites import webhook_secrets_of
from crawler.sites import Site
from storage.notes import Note, Notes

if TYPE_CHECKING:
    from backfile.capturing import Captured, Setting
    from backfile.hooks import Sender


def listen(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen; default: as configured.")] = "",
    port: Annotated[int, typer.Option(min=-1, max=65535, help="And on which port; 0: any free one.")] = -1,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happens as JSON Lines.")] = False,
) -> int:
    """Take the CMS's webhook at /hook/SITE, and capture each article within seconds of its being saved.

    A message is believed when it is signed with the site's secret (webhook_secret_env in its [[sites]] block), noted
    in the archive, and its article fetched as soon as no other run has the archive. A message may get lost on its way,
    so that `backfile nightly` remains what the archive relies on: this only makes it quicker. Runs until it is stopped.

    Example:
        BACKFILE_DM_HOOK=… backfile listen --port 8001
    """
    own: Context = context.obj
    config, sites = own.ready()
    from backfile import crawling  # aiohttp takes a third of a second to import
    from backfile.capturing import Setting

    setting = Setting(config.archive, sites, crawling.settings_of(config), config.settings.archive.min_free_mb << 20)
    diary = _Diary(own, metrics_file(config), config.archive, as_json=as_json)
    table = config.settings.listen
    asyncio.run(_serve(setting, _senders(config, sites), diary, host or table.host, port if port >= 0 else table.port))
    return Exit.OK


def _senders(config: Config, sites: Sequence[Site]) -> Mapping[str, Sender]:
    from backfile.hooks import Sender

    secrets = webhook_secrets_of(config)
    if not secrets:
        raise ConfigError(
            f"{config.source}: no [[sites]] block has a webhook secret, so no message could be believed. Set "
            'webhook_secret_env = "BACKFILE_DM_HOOK" in one, and the secret in that environment variable'
        )
    zones = {site.name: site.timezone for site in sites}
    return {site: Sender(site, zones[site], Secret(secret.value)) for site, secret in secrets.items()}


class _Diary:
    """Says what happens, a line each, and brings the metrics up to date."""

    def __init__(self, own: Context, metrics: Path | None, archive: Path, *, as_json: bool) -> None:
        self._own = own
        self._metrics = metrics
        self._archive = archive
        self._as_json = as_json

    def listening(self, url: str, sites: Sequence[str]) -> None:
        hooks = [f"{url}hook/{site}" for site in sites]
        self._say({"event": "listening", "urls": hooks}, f"listening at {', '.join(hooks)} (Ctrl-C ends it)")

    def noted(self, note: Note) -> None:
        key = f"{note.site}:{note.article}"
        self._say({"event": "noted", "article": key, "saved_at": note.at}, f"{key} was saved")

    def captured(self, one: Captured) -> None:
        facts = {"event": "captured", "articles": list(one.articles), "exit_status": int(one.status)}
        self._say(facts, f"{', '.join(one.articles)}: {MEANINGS[one.status]}")
        if self._metrics is not None:
            write_metrics(self._metrics, facts_of(self._archive, "listen", one.started, one.status, one.summary))

    def _say(self, facts: Mapping[str, object], words: str) -> None:
        if self._as_json:
            print_json(facts)
            sys.stdout.flush()
        elif not self._own.quiet:
            self._own.out.print(words, markup=False)


async def _serve(setting: Setting, senders: Mapping[str, Sender], diary: _Diary, host: str, port: int) -> None:
    from backfile.capturing import Capturer
    from backfile.hooks import Receiver
    from backfile.serving import served

    notes = Notes(setting.archive)
    capturer = Capturer(setting, notes, diary.captured)

    def noted(note: Note) -> None:
        diary.noted(note)
        capturer.wake()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, capturer.stop)
    async with served(Receiver(senders, notes, noted).application(), host, port) as bound:
        diary.listening(f"http://{f'[{host}]' if ':' in host else host}:{bound}/", list(senders))
        await capturer.run()
