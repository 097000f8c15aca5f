"""Kill a crawl hundreds of times, and say whether anybody could tell.

python -m tests.torture [--kills N] [--articles N] [--seed N] [--folder DIR]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.torture.torment import torture


def main() -> int:
    """Run the torture; 0 when nothing was lost, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="torture", description="Kill a crawl again and again.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--articles", type=int, default=900)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to work, and to leave what came of it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture-") as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        verdict = torture(folder, articles=asked.articles, kills=asked.kills, seed=asked.seed, say=_say)
    for fault in verdict.faults:
        _say(fault)
    _say(f"torture, seed {asked.seed}: {verdict}")
    return 1 if verdict.faults else 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
