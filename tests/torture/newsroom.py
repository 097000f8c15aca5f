"""A newsroom in a box for the torture: small pictures, faults that pass, and a way to make it forget them.

    python -m tests.torture.newsroom CONFIG ARTICLES SEED

Writes the configuration, says `ready`, and for each line on its input suffers all its faults anew and says `as new`.
Ends with its input.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from simulator import Newsroom, Options, content, pictures

# Each passes after one or two attempts, so that all of them are overcome in the end.
FAULTS = (
    "reset-mid-body:0.02:times=1",
    "http-500:0.02:times=1",
    "short-body:0.02:times=1",
    "zero-bytes:0.02:times=1",
    "truncated-jpeg:0.02:times=1",
    "truncated-json:0.05:times=1",
)
_SMALL = 48


async def serve(config: Path, articles: int, seed: int) -> None:
    """Run until the input ends."""
    encoded = pictures._encoded
    pictures._encoded = lambda seed, scene, width, height, form: encoded(seed, scene % 16, _SMALL, _SMALL, form)  # type: ignore[assignment]
    content.restless = lambda article, visit: article  # the same bytes at each visit, so that bytes can be compared
    async with Newsroom(Options(articles=articles, seed=seed, faults=FAULTS)) as room:
        config.write_text(room.config_toml(), encoding="utf-8")
        _say("ready")
        while await asyncio.to_thread(sys.stdin.readline):
            room._plan._hits.clear()
            _say("as new")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
