"""Questions that tests ask a living newsroom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from simulator import Newsroom
from simulator.history import Truth
from tests.simulator.conftest import Client


async def by_id(client: Client, article_id: str) -> tuple[int, dict[str, Any]]:
    """Return what the API answers for an article."""
    answer = await client.get(f"/cms/content/{article_id}")
    return answer.status, answer.json()["data"][0] if answer.status == 200 else {}


def pictured(newsroom: Newsroom) -> tuple[str, str]:
    """Return an article with a main picture, and the picture's id."""
    for article_id in newsroom.inventory.articles():
        attachments = json.loads(newsroom.inventory.article_json(article_id))["attachments"]
        if attachments:
            return article_id, attachments[0]["id"]
    raise AssertionError("no article has a picture")


def truths(newsroom: Newsroom, day: int) -> Iterator[tuple[str, Truth]]:
    """Return what is true at the end of a day of the articles that something happened to on it."""
    for article_id in newsroom.history.touched(day):
        truth = newsroom.history.truth(article_id, day)
        assert truth is not None
        yield article_id, truth
