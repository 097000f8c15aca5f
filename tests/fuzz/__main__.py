"""Feed the parsers what nobody should have to read, and say what they made of it.

python -m tests.fuzz [--seconds N] [--seed S] [--only NUMBER] [--keep DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.fuzz.fuzz import Result, one, run
from tests.fuzz.shapes import gather


def main() -> int:
    """Run the fuzzer; 0 when nothing was found, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="fuzz", description="Feed the parsers hostile input.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="make and read this one input of the seed")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that found something")
    asked = parser.parse_args()
    shapes = asyncio.run(gather())
    if asked.only is None:
        result = run(shapes, asked.seed, seconds=asked.seconds)
    else:
        result = Result()
        one(shapes, asked.seed, asked.only, result)
    for number, (name, finding) in enumerate(result.findings.items()):
        _say(f"{name}: {result.times_found[name]} times, first by input {finding.number} ({len(finding.body):,} bytes)")
        if asked.keep:
            asked.keep.mkdir(parents=True, exist_ok=True)
            (asked.keep / f"{asked.seed}-{finding.number}-{number}").write_bytes(finding.body)
    read, refused = result.read.total(), result.refused.total()
    _say(
        f"fuzz, seed {asked.seed}: {result.inputs:,} inputs, {result.bytes / 1e9:.2f} GB; {read:,} read, {refused:,} "
        f"refused as declared, {len(result.findings)} findings; slowest {result.slowest[0]:.2f} s "
        f"of CPU time ({result.slowest[1]})"
    )
    for name in sorted(result.read | result.refused):
        _say(f"  {name}: {result.read[name]:,} read, {result.refused[name]:,} refused")
    return 1 if result.findings else 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
