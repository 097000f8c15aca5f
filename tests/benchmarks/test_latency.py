"""The least time of a crawl, and the newsroom that is far away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from benchmarks.latency.bound import Limits, least_seconds
from benchmarks.latency.server import Far, Newsroom
from benchmarks.peers.newsroom import Shape, make, urls

HUNDRED = Shape(100, 500)  # two list pages, 100 articles, 600 renditions


def test_one_request_at_a_time_takes_a_round_trip_each_and_one_to_connect() -> None:
    """With one connection nothing overlaps: 702 requests and one handshake."""
    assert least_seconds(HUNDRED, Limits(0.1, concurrency=1)) == pytest.approx(70.3)


def test_without_limits_the_longest_way_is_left() -> None:
    """Each of list page, article and picture waits for the one before, most of them on connections that are new."""
    assert least_seconds(HUNDRED, Limits(0.1, concurrency=10_000)) == pytest.approx(0.6)


def test_a_low_rate_spaces_all_starts_evenly() -> None:
    """The last of 702 requests starts 701 intervals after the first, and takes a round trip."""
    assert least_seconds(HUNDRED, Limits(0.1, concurrency=16, rate=2.0)) == pytest.approx(701 / 2 + 0.1)


@pytest.mark.parametrize("rate", [0.0, 60.0])
@pytest.mark.parametrize("round_trip", [0.1, 0.4])
def test_no_crawl_is_quicker_than_its_concurrency_and_its_rate_allow(round_trip: float, rate: float) -> None:
    """The played-through time is never below what arithmetic allows, nor far above."""
    floor = max(702 * round_trip / 16, 701 / rate if rate else 0.0)
    assert floor <= least_seconds(HUNDRED, Limits(round_trip, 16, rate)) < 1.2 * floor + 6 * round_trip


def test_the_far_newsroom_has_an_answer_to_every_url(tmp_path: Path) -> None:
    """What the plain files are asked for by a server that is near, this one finds as well."""
    make(tmp_path / "files", "", HUNDRED)
    newsroom = Newsroom(tmp_path / "files", 0.1)
    assert all(newsroom.answer(url).startswith(b"HTTP/1.1 200") for url in urls("", HUNDRED))
    assert newsroom.answer("/robots.txt").startswith(b"HTTP/1.1 404")


async def test_a_new_connection_takes_one_round_trip_more(tmp_path: Path) -> None:
    """The first answer comes after two round trips, the second after one."""
    newsroom = Newsroom(tmp_path, 0.1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Far(newsroom), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        took = []
        for _ in range(2):
            began = time.monotonic()
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            took.append(time.monotonic() - began)
        writer.close()
    assert took[0] >= 0.19
    assert 0.09 <= took[1] < took[0]
