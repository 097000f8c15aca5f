"""The health check: a monitor elsewhere is told that a night begins, ended well, or did not. It never changes a run.

The protocol is that of healthchecks.io and its kin: POST to the address itself for success, with `/start` or `/fail`
behind its path for the other two, and some text as the body. A monitor that hears nothing in time raises the alarm, so
that a machine which is off is noticed too.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from backfile.config import Config
from backfile.exits import Exit
from crawler.fetch import FetchSettings
from crawler.foreign import translated
from crawler.network import GuardedResolver, literal_problem, tls_context
from crawler.sites import host_of
from crawler.urls import display

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds, of each of two tries
_TRIES = 2
_MAX_BODY = 10_000  # bytes; what healthchecks.io keeps of a body


class Stage(StrEnum):
    """What is told; the value is what comes behind the address."""

    START = "/start"
    SUCCESS = ""
    FAILURE = "/fail"


@dataclass(frozen=True, slots=True)
class Monitor:
    """Whom to tell, and how to get there. The address's path is a secret: who knows it can report for us."""

    url: str
    network: FetchSettings

    def __repr__(self) -> str:
        """Show the monitor's host only."""
        return f"Monitor({host_of(self.url)!r})"


def monitor_of(config: Config, network: FetchSettings) -> Monitor | None:
    """Return the configured monitor; None when there is none."""
    url = config.settings.report.ping_url
    return Monitor(url, network) if url else None


def stage_of(status: Exit) -> Stage:
    """Return what to tell at the end of a run: success is exit status 0, and nothing else."""
    return Stage.SUCCESS if status == Exit.OK else Stage.FAILURE


async def ping(monitor: Monitor | None, stage: Stage, line: str = "") -> None:
    """Tell the monitor, with a line of result as the body. Never raises: what does not arrive is one warning."""
    if monitor is None:
        return
    problem = ""
    for _ in range(_TRIES):
        problem = await _told(monitor, _address(monitor.url, stage), line.encode("utf-8", "replace")[:_MAX_BODY])
        if not problem:
            return
    log.warning("the health check at %s did not hear of %s: %s", host_of(monitor.url), stage.name.lower(), problem)


def _address(url: str, stage: Stage) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + stage.value, parts.query, ""))


async def _told(monitor: Monitor, url: str, body: bytes) -> str:
    """Return why a monitor did not hear of it; '' when it did."""
    host = host_of(url)
    problem = literal_problem(urlsplit(url).hostname or "", trusted=True)
    if problem:
        return problem
    network = monitor.network
    try:
        # Its own connections, to this host alone: what sites may be fetched from does not matter here, nor the reverse.
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(network.connect_to, (host, host_of(network.proxy))),
            ssl=tls_context(network.ca_file),
        )
        async with (
            asyncio.timeout(TIMEOUT),
            aiohttp.ClientSession(connector=connector, headers={"User-Agent": network.user_agent}) as session,
            session.post(
                url,
                data=body,
                headers={"Content-Type": "text/plain; charset=utf-8"},
                allow_redirects=False,
                proxy=network.proxy or None,
            ) as answer,
        ):
            return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
    except TimeoutError:
        return f"no answer within {TIMEOUT:.0f} seconds"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return display(str(translated(error)).replace(url, "its address"))
