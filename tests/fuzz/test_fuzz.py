"""A short run of the fuzzer, and proof that it finds what is to be found."""

from __future__ import annotations

import json
import time
from random import Random

import pytest

from crawler.errors import ParseError
from tests.fuzz import fuzz
from tests.fuzz.fuzz import Result
from tests.fuzz.mutate import LONGEST, mutated
from tests.fuzz.parsers import PARSERS, Parser
from tests.fuzz.shapes import Shape, gather

SEED = 20230706
INPUTS = 1_500

pytestmark = pytest.mark.filterwarnings("ignore")  # what Pillow says of spoilt pictures goes nowhere else either


async def test_spoilt_answers_are_read_or_refused() -> None:
    """No parser answers a spoilt shape with anything but a result or a declared error, within bounds."""
    result = fuzz.run(await gather(), SEED, inputs=INPUTS)
    assert list(result.findings) == []
    assert set(result.read) == set(PARSERS)
    assert result.refused.total() > INPUTS / 10


async def test_every_parser_has_shapes_that_it_reads() -> None:
    """The shapes to start from are real: unspoilt, each is read by the parsers made for its kind."""
    shapes = await gather()
    for parser in PARSERS.values():
        fitting = [shape for shape in shapes if shape.kind in parser.kinds]
        assert fitting
        readable = [shape for shape in fitting if fuzz.outcome(parser, shape.body, shape, Result()) == ""]
        assert readable == fitting


def test_the_same_seed_makes_the_same_inputs() -> None:
    """A finding can be made again from its seed and number."""
    body = json.dumps({"id": "1", "data": [{"title": "x", "contents": "<p>y</p>"}] * 3}).encode()
    first, second = ([mutated(body, [body], Random(number)) for number in range(200)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 150
    assert max(map(len, first)) <= LONGEST


@pytest.mark.parametrize("kind", ["raise", "loop", "refuse"])
async def test_the_fuzzer_finds_crashes_and_loops(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is not declared and a loop without end are findings; a declared refusal is none."""

    def read(_body: bytes, _url: str, _site: object) -> object:
        while kind == "loop":
            time.process_time()
        if kind == "refuse":
            raise ParseError("no")
        raise KeyError("not declared")

    monkeypatch.setattr(fuzz, "BASE_SECONDS", 0.01)
    shape = (await gather())[0]
    found = fuzz.outcome(Parser("bad", (shape.kind,), read), b"x", Shape("x", "http://x/", b"x", shape.site), Result())
    assert ("KeyError" in found, "ran away" in found) == (kind == "raise", kind == "loop")
