"""One job, one visit: what to fetch for it, what to read in the answer, what to hand to storage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from crawler import pictures, reading
from crawler.blockpages import BlockPages
from crawler.captures import media_capture, page_capture
from crawler.cms.article import Article
from crawler.errors import Fault, FaultKind, ParseError
from crawler.fetch import NOT_MODIFIED, Answer, Fetcher, Turn
from crawler.nights import PUBLIC
from crawler.rules import RobotRules
from crawler.sites import Site, host_of
from crawler.urls import display
from crawler.wants import Wants, check_asked, cms_id_of
from storage.articles import Change
from storage.records import Capture, Failure, Job, Source
from storage.store import Store
from storage.validators import Kept

JSON = "application/json"
HTML = "text/html,*/*;q=0.5"
_BLOCKED = FaultKind.BLOCK_PAGE
_INLINE_CHECK_BYTES = 1 << 20  # larger bodies, and doubtful ones, are checked on a thread: the loop goes on


T = TypeVar("T")


class Unread(Fault):
    """An answer came that holds nothing of what it should; it is kept beside the failure."""

    def __init__(self, answer: Answer, error: object, kind: FaultKind = FaultKind.UNREADABLE) -> None:
        """Say of which answer `error` speaks."""
        super().__init__(kind, str(error), http_status=answer.status)
        self.answer = answer


class Unchanged(Exception):
    """The server says that what it has is what we hold."""

    def __init__(self, capture: Capture) -> None:
        """Say it by a capture."""
        super().__init__()
        self.capture = capture


@dataclass(slots=True)
class Tools:
    """What every visit needs."""

    store: Store
    fetcher: Fetcher
    wants: Wants
    robots: RobotRules
    turn: Turn
    has_place: Callable[[str], bool]
    blocks: BlockPages
    on_request: Callable[[Job, Answer, int], None]
    let_others: Callable[[Job, Answer], Awaitable[None]]  # called when a job asks for nothing more
    on_article: Callable[[Article], None]
    unkept: Callable[[Job, Exception], Failure]

    async def get(self, job: Job, url: str, *, accept: str = HTML, api_key: str = "", keyed: bool = False) -> Answer:
        """Fetch a page or an API answer; where the job has no place, wait for a turn.

        Raises Unchanged where we hold what the server has.
        """
        host, kept = host_of(url), await self.kept(job, url)
        conditions = kept.conditions if kept is not None else {}
        async with nullcontext() if self.has_place(host) else self.turn(host):
            answer = await self.fetcher.page(
                url, accept=JSON if api_key else accept, api_key=api_key, keyed=keyed, conditions=conditions
            )
        self.on_request(job, answer, len(answer.body))
        if kept is not None and answer.status == NOT_MODIFIED:
            raise Unchanged(self.unchanged(answer, kept))
        return answer

    async def kept(self, job: Job, url: str) -> Kept | None:
        """Return what we hold of a URL, where the server may say that it is the same: only when looking again."""
        kept = await self.store.validators(job) if job.is_recheck else None
        return kept if kept is not None and kept.url == url else None

    def unchanged(self, answer: Answer, kept: Kept) -> Capture:
        """Return the capture of an answer that nothing has changed."""
        itself = msgspec.structs.replace(answer, media_type=kept.media_type)
        return media_capture(itself, self.store.now(), kept.sha256, kept.size)

    def read(self, answer: Answer, reader: Callable[[], T]) -> T:
        """Read an answer. Raises Unread in place of ParseError, so that the answer is kept."""
        try:
            return reader()
        except ParseError as error:
            self.refuse_block_page(answer)
            raise Unread(answer, error) from error

    def refuse_block_page(self, answer: Answer) -> None:
        """Raise Unread when an answer that holds little of what it should is a block page."""
        if sign := self.blocks.sign(answer.body):
            raise Unread(answer, f"a block page came with status {answer.status}: {display(sign)}", _BLOCKED)


class ArticleVisit:
    """Archives one article, by the API where there is a key, else from its public page."""

    def __init__(self, tools: Tools) -> None:
        """Use these tools."""
        self._tools = tools

    async def perform(self, job: Job) -> tuple[Change, Source]:
        """Fetch, read and keep the article; says what it changed and how whole it came.

        Raises Fault (Unread when there is an answer to keep).
        """
        site = self._tools.wants.sites[job.site]
        try:
            answer, found = await self._obtain(job, site)
        except Unchanged as unchanged:
            await self._tools.store.keep_unchanged(job, unchanged.capture)
            return Change.SAME, Source.API
        self._tools.on_article(found)
        try:
            check_asked(job.key, answer.url, found.record)
        except ParseError as error:
            raise Unread(answer, error) from error
        wants = self._tools.wants
        linked = [wants.article(site, cms_id, job.depth) for cms_id in found.linked_ids]
        if not found.public:
            await self._refuse_to_forget(job, answer, found)
        change = await self._tools.store.keep_article(
            job, page_capture(answer, self._tools.store.now()), found.record, wants.renditions(found.record), linked
        )
        return change, found.record.source

    async def _refuse_to_forget(self, job: Job, answer: Answer, found: Article) -> None:
        """Raise Unread when what was public is not any more (contract 8, question 11): it is kept as a capture."""
        held = await self._tools.store.status_of(found.record.site, found.record.cms_id)
        if held is not None and held in PUBLIC:
            status = display(found.record.status)
            raise Unread(answer, f"the newsroom has taken it back: its status is {status}", FaultKind.UNPUBLISHED)

    async def _obtain(self, job: Job, site: Site) -> tuple[Answer, Article]:
        cms_id = cms_id_of(job.key)
        if cms_id and site.api_url and site.api_key:
            return await self._by_api(job, site, cms_id)
        answer, found = await self._by_page(job, site)
        if found.record.source is Source.PARTIAL and site.api_url and site.api_key:
            # The page told little more than which article it is; the API has the rest.
            api_host = host_of(site.api_url)
            async with self._tools.turn(api_host):
                return await self._by_api(job, site, found.record.cms_id)
        return answer, found

    async def _by_api(self, job: Job, site: Site, cms_id: str) -> tuple[Answer, Article]:
        url = f"{site.api_url.rstrip('/')}/content/{cms_id}"
        answer = await self._tools.get(job, url, api_key=site.api_key)
        await self._tools.let_others(job, answer)
        return answer, self._tools.read(answer, lambda: reading.from_api(answer.body, site))

    async def _by_page(self, job: Job, site: Site) -> tuple[Answer, Article]:
        await self._tools.robots.check(job.url)
        answer = await self._tools.get(job, job.url)
        if not (site.api_url and site.api_key):  # which may have to be asked, too
            await self._tools.let_others(job, answer)
        found = self._tools.read(answer, lambda: reading.from_page(answer.body, answer.url, site))
        if found.record.source is Source.PARTIAL:
            self._tools.refuse_block_page(answer)
        return answer, found


class MediaVisit:
    """Archives one rendition: streamed while hashed, checked, stored once."""

    def __init__(self, tools: Tools) -> None:
        """Use these tools."""
        self._tools = tools

    async def perform(self, job: Job) -> bool:
        """Fetch, check and keep the rendition; False when the server says that we hold it. Raises Fault."""
        incoming = self._tools.store.media.incoming()
        kept = await self._tools.kept(job, job.url)
        try:
            answer = await self._tools.fetcher.media(job.url, incoming, kept.conditions if kept is not None else {})
            self._tools.on_request(job, answer, incoming.size)
            await self._tools.let_others(job, answer)
            if kept is not None and answer.status == NOT_MODIFIED:
                await self._tools.store.keep_unchanged(job, self._tools.unchanged(answer, kept))
                return False
            try:
                checked = await _check(incoming.content(), answer.media_type, job.url)
            except Fault as fault:
                raise (self._as_block_page(incoming.content()) or fault) from None
            file = incoming.keep(checked.media_type, checked.extension, checked.width, checked.height)
            capture = media_capture(answer, self._tools.store.now(), file.sha256, file.size)
            await self._tools.store.keep_media(job, capture, file, partial(self._tools.unkept, job))
            return True
        finally:
            incoming.discard()

    def _as_block_page(self, content: bytes | Path) -> Fault | None:
        """Say that what came instead of a picture is a block page, if it is one."""
        body = content if isinstance(content, bytes) else b""  # walls are small
        sign = self._tools.blocks.sign(body)
        return Fault(_BLOCKED, f"a block page came instead of the picture: {display(sign)}") if sign else None


async def _check(content: bytes | Path, declared: str, url: str) -> pictures.Checked:
    if isinstance(content, bytes) and len(content) <= _INLINE_CHECK_BYTES:
        found = pictures.at_a_glance(content, declared)
        if found is not None:
            return found

    def read_and_check() -> pictures.Checked:
        body = content if isinstance(content, bytes) else content.read_bytes()
        return pictures.check(body, declared, url)

    return await asyncio.to_thread(read_and_check)
