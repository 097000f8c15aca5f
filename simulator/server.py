"""The newsroom in a box: one local server that plays every host of an installation."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from simulator import addresses, configuration
from simulator.content import Content
from simulator.control import PREFIX, Control
from simulator.door import Door
from simulator.events import Event, Kind
from simulator.faults import Plan
from simulator.history import History
from simulator.inventory import Inventory
from simulator.life import Life
from simulator.options import Options
from simulator.orders import Order
from simulator.profiles import PROFILES
from simulator.replay import Replay, load
from simulator.requestlog import Entry, RequestLog
from simulator.stock import Stock
from simulator.switchboard import Switchboard
from simulator.tls import Authority

LONGEST_LINE = 64 * 1024
MOST_TARGETS = 50
_ANY_IPV4 = "0.0.0.0"  # noqa: S104 - compared with, never bound unasked
PATIENCE = 0.1  # seconds that running requests get when the newsroom closes


class _Seen:
    """What is known about a request while it is being answered."""

    def __init__(self, kind: str, in_flight: int) -> None:
        self.kind, self.in_flight = kind, in_flight
        self.wall, self.started = time.time(), time.monotonic()
        self.status, self.size = 0, 0
        self.fault: str | None = None

    def entry(self, request: web.BaseRequest) -> Entry:
        """Return the entry for the log."""
        return Entry(
            at=self.wall,
            monotonic=self.started,
            method=request.method,
            host=request.host,
            path_qs=request.raw_path,
            status=self.status,
            seconds=time.monotonic() - self.started,
            bytes=self.size,
            key_given="API-Key" in request.headers or "key" in request.query,
            user_agent=request.headers.get("User-Agent", ""),
            in_flight=self.in_flight,
            kind=self.kind,
            fault=self.fault,
        )


class Newsroom:
    """A running newsroom; use it as an async context manager, or start and stop it."""

    stock: Stock
    inventory: Inventory

    def __init__(self, options: Options) -> None:
        self.options = options
        self.profile = PROFILES[options.profile]
        self.port = options.port
        self._plan = Plan(options.faults, options.seed)
        self.log = RequestLog(options.log_file)
        self._documents = load(options.replay) if options.replay else []
        self._runner: web.ServerRunner | None = None
        self._authority: Authority | None = None
        self._life: Life | None = None
        self._in_flight = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The address that the server listens on."""
        plain = addresses.local(self._reachable(), self.port).front
        return plain.replace("http://", "https://", 1) if self.options.tls else plain

    @property
    def ca_file(self) -> Path | None:
        """The certificate to trust, when there is TLS."""
        return self._authority.file if self._authority else None

    def _reachable(self) -> str:
        return {_ANY_IPV4: "127.0.0.1", "::": "::1"}.get(self.options.host, self.options.host)

    async def start(self) -> None:
        """Bind the port, then open the newsroom under the address that this gave."""
        family = socket.AF_INET6 if ":" in self.options.host else socket.AF_INET
        listener = socket.create_server((self.options.host, self.options.port), family=family, backlog=1024)
        self.port = listener.getsockname()[1]
        try:
            self._open()
        except BaseException:
            listener.close()
            raise
        server = web.Server(
            self._handle,
            handler_cancellation=True,  # a client that hangs up ends its stalled request
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            access_log=None,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=PATIENCE)
        await self._runner.setup()
        context = self._authority.context if self._authority else None
        await web.SockSite(self._runner, listener, ssl_context=context).start()
        if self._life:
            self._life.start()

    def _open(self) -> None:
        """Make content and routes, now that the addresses are known."""
        local = addresses.local(self._reachable(), self.port)
        options = self.options
        self.log.open()
        if self._documents:
            self.stock = Replay(self._documents, self.profile, options.seed, None if options.tls else local)
        else:
            base = addresses.public(self.profile.hosts) if options.tls else local
            self.stock = Content(self.profile, options.seed, options.articles, options.quirks, base)
        if options.tls:
            self._authority = Authority(self._hosts())
        self.inventory = Inventory(self.stock)
        door = Door(options.api_key)
        self._life = Life(self.stock, door, options, self._vouch) if isinstance(self.stock, Content) else None
        self._switchboard = Switchboard(self.stock, options, self._plan, door, lambda: self.now)
        self._control = Control(self, self._authority.pem if self._authority else None)

    def _hosts(self) -> list[str]:
        """Return the real host names that the server plays."""
        named = self.stock.hosts() if isinstance(self.stock, Replay) else set(self.profile.hosts.values())
        roles = {self.stock.addresses.host_of(role) for role in ("front", "second", "short", "media", "api")}
        return sorted({host.partition(":")[0] for host in named | roles})

    async def stop(self) -> None:
        """Stop the clock; close every connection, the port and the log."""
        if self._life:
            await self._life.stop()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        if self._authority:
            self._authority.close()
            self._authority = None
        self.log.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(PREFIX):
            return await self._control.answer(request)
        self._in_flight += 1
        seen = _Seen(self._switchboard.kind(request), self._in_flight)
        try:
            if self.options.latency_ms:
                await asyncio.sleep(self.options.latency_ms / 1000)
            return await self._serve(request, seen)
        finally:
            self._in_flight -= 1
            self.log.add(seen.entry(request))

    async def _serve(self, request: web.BaseRequest, seen: _Seen) -> web.StreamResponse:
        """Answer, and send the answer here, so that its end is seen."""
        strike = self._switchboard.strike(request, seen.kind)
        try:
            if strike:
                seen.fault = strike[0].name
                response = await self._switchboard.act(*strike)
            else:
                response = await self._switchboard.answer(request, seen.kind)
            if not response.prepared:
                response.headers["Date"] = format_datetime(self.now, usegmt=True)
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return web.Response(status=500)  # one side hung up; nobody will read this
        seen.status, seen.size = response.status, response.body_length
        return response

    @property
    def life(self) -> Life:
        """What happens in the newsroom, and when. Raises TypeError when its documents are replayed."""
        if self._life is None:
            raise TypeError("replayed documents do not change; start the newsroom without replay")
        return self._life

    @property
    def now(self) -> datetime:
        """The instant that the newsroom's clock shows."""
        return self._life.now if self._life else datetime.now(UTC)

    @property
    def history(self) -> History:
        """What has happened so far."""
        return self.life.history

    def advance(self, to: datetime) -> list[Event]:
        """Let time pass up to an instant, and return what happened. Raises ValueError when that cannot be."""
        return self.life.advance(to)

    def pass_days(self, days: float = 1) -> list[Event]:
        """Let time pass until the wall clock shows the same time so many days later."""
        return self.life.advance(self.life.calendar.later(self.now, days))

    def happen(self, kind: Kind, *values: str, at: datetime | None = None, **details: Any) -> Event:
        """Let something happen besides the plan; `Order` says what each kind needs. Raises ValueError."""
        return self.life.order(Order(kind, values=values, **details), at)

    def _vouch(self, host: str) -> None:
        """Let the certificate name a further host."""
        if self._authority:
            self._authority.vouch([*self._hosts(), host])

    def config_toml(self, archive: str = "archive") -> str:
        """Return the config.toml that points a client at this newsroom."""
        places = self.stock.addresses
        front, media = places.host_of("front"), places.host_of("media")
        further = {places.host_of("second"), places.host_of("short")}
        medias = {media}
        if isinstance(self.stock, Replay):
            further, medias = further | self.stock.front_hosts, medias | self.stock.media_hosts
        door = self.url.split("://", 1)[1]
        connect = [f"{host}:443:{door}" for host in self._hosts()] if self.options.tls else []
        return configuration.toml(
            configuration.Site(
                name=self.profile.name,
                base_url=places.front,
                hosts=tuple(sorted(further - {front})),
                api_url=places.api,
                classic_url=places.classic,
                key_env=self.profile.key_env,
                key=self.options.api_key,
                timezone=self.profile.timezone,
                media_hosts=tuple(sorted(medias)),
                page_param=self.options.page_scheme,
                targets=self._targets(),
                connect_to=tuple(connect),
                ca_file=self.ca_file,
            ),
            archive,
        )

    def _targets(self) -> tuple[str, ...]:
        if self._documents:
            return tuple(self.inventory.url(article_id) for article_id in self.stock.ids()[:MOST_TARGETS])
        section = self.profile.sections[self.profile.main_section]
        main = self.stock.listing("category", section.id)
        if self.profile.name == "olj" and main is not None:
            return (main.url,)
        return (f"{self.profile.name}:category/{section.slug}",)
