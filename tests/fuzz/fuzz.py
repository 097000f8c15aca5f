"""The loop: spoil a shape, let a parser read it, note what should not have happened."""

from __future__ import annotations

import resource
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from types import FrameType

from tests.fuzz.mutate import mutated
from tests.fuzz.parsers import DECLARED, PARSERS, Parser
from tests.fuzz.shapes import Shape

_STRANGER_ONE_IN = 8  # how often a parser gets a shape that it is not made for
BASE_SECONDS = 1.0  # CPU time that any input may take
SECONDS_PER_BYTE = 2e-6  # and what each of its bytes adds
MEMORY_BASE = 200 << 20  # growth of the process that any input may cause, in bytes
MEMORY_PER_BYTE = 200


class RunAway(BaseException):
    """An input took more CPU time than its size allows; no handler for errors may swallow it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What should not have happened; `number` and the seed make the input again."""

    parser: str
    what: str
    number: int
    body: bytes = field(repr=False)


@dataclass(slots=True)
class Result:
    """What came of a run."""

    inputs: int = 0
    bytes: int = 0
    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Finding] = field(default_factory=dict)
    times_found: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "none")  # CPU seconds, and what took them

    def note(self, finding: Finding) -> None:
        """Keep the first input of each kind of finding, and count the others."""
        name = f"{finding.parser}: {finding.what}"
        self.findings.setdefault(name, finding)
        self.times_found[name] += 1


def run(shapes: Sequence[Shape], seed: int, *, seconds: float = 0.0, inputs: int = 0) -> Result:
    """Fuzz for some seconds of wall time, or with a number of inputs; the same seed makes the same inputs."""
    result = Result()
    end = time.monotonic() + seconds
    for number in count():
        if (inputs and number >= inputs) or (seconds and time.monotonic() >= end):
            return result
        one(shapes, seed, number, result)
    raise AssertionError("counting never ends")


def one(shapes: Sequence[Shape], seed: int, number: int, result: Result) -> None:
    """Make input `number` of `seed`, read it, and note what came of it."""
    chance = Random(f"{seed}/{number}")
    parser = chance.choice(list(PARSERS.values()))
    fitting = [shape for shape in shapes if shape.kind in parser.kinds]
    shape = chance.choice(fitting if fitting and chance.randrange(_STRANGER_ONE_IN) else list(shapes))
    body = mutated(shape.body, [other.body for other in shapes], chance)
    result.inputs += 1
    result.bytes += len(body)
    before = _peak()
    began = time.process_time()
    what = outcome(parser, body, shape, result)
    took = time.process_time() - began
    result.slowest = max(result.slowest, (took, f"{parser.name}, input {number} of {len(body):,} bytes"))
    if _peak() - before > MEMORY_BASE + MEMORY_PER_BYTE * len(body):
        what = what or f"took {(_peak() - before) >> 20} MiB for {len(body):,} bytes"
    if what:
        result.note(Finding(parser.name, what, number, body))


def outcome(parser: Parser, body: bytes, shape: Shape, result: Result) -> str:
    """Return what should not have happened; '' when the input was read or refused as declared."""
    try:
        with _limited(BASE_SECONDS + SECONDS_PER_BYTE * len(body)):
            parser.read(body, shape.url, shape.site)
        result.read[parser.name] += 1
    except DECLARED:
        result.refused[parser.name] += 1
    except RunAway as error:
        return f"ran away at {_place(error)}"
    except Exception as error:  # noqa: BLE001 - what is not declared is what is looked for
        return f"{type(error).__name__} at {_place(error)}"
    return ""


def _place(error: BaseException) -> str:
    """Return the innermost place in our own code."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "/crawler/" in frame.filename]
    return f"{ours[-1].filename.rpartition('/crawler/')[2]}:{ours[-1].name}" if ours else "the fuzzer"


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise RunAway in what takes more CPU time than this."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise RunAway

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _peak() -> int:
    """Return the most memory that the process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
