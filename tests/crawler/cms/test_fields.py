"""Tolerant access: every way in which the CMS spells a value (contract 2.1 and 4)."""

from __future__ import annotations

import pytest

from crawler.cms import fields


@pytest.mark.parametrize(
    "value, text, integer, boolean",
    [
        ("x", "x", None, False),
        ("", "", None, False),
        ("1", "1", 1, True),
        (" -7 ", " -7 ", -7, False),
        (1, "1", 1, True),
        (0, "0", 0, False),
        (5.0, "5", 5, True),
        (4.67, "4.67", None, True),
        (float("inf"), "inf", None, True),
        (2**53, str(2**53), 2**53, True),
        (2**53 + 1, str(2**53 + 1), None, True),
        (-(2.0**60), "-1152921504606846976", None, True),
        ("9" * 18, "9" * 18, None, False),
        (True, "", 1, True),
        (False, "", 0, False),
        ("true", "true", None, True),
        ("9" * 30, "9" * 30, None, False),
        (None, "", None, False),
        ([], "", None, False),
        ({}, "", None, False),
    ],
)
def test_scalars(value: object, text: str, integer: int | None, boolean: bool) -> None:
    """Text, numbers and flags are read from each other's spellings."""
    assert (fields.text(value), fields.integer(value), fields.boolean(value)) == (text, integer, boolean)


@pytest.mark.parametrize(
    "value, mapping, items",
    [
        ({"a": 1}, {"a": 1}, [{"a": 1}]),
        ({"0": "x", "2": "y"}, {"0": "x", "2": "y"}, ["x", "y"]),
        ([], {}, []),
        ([1, 2], {}, [1, 2]),
        ({}, {}, []),
        ("[]", {}, []),
        ('["olj"]', {}, ["olj"]),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}, [{"a": {"b": 1}}]),
        ('{"a": ', {}, []),
        ("[" * 5_000, {}, []),
        ("x", {}, []),
        (None, {}, []),
        (7, {}, []),
    ],
)
def test_containers(value: object, mapping: object, items: object) -> None:
    """PHP's empty map, its lists with gaps, and JSON inside text are what they stand for."""
    assert (fields.mapping(value), fields.items(value)) == (mapping, items)


def test_objects_are_the_maps_of_a_list() -> None:
    """What is no map, or an empty one, is passed over."""
    assert fields.objects([{"a": 1}, [], {}, None, "x", '{"b": 2}']) == [{"a": 1}, {"b": 2}]


def test_the_first_field_that_says_something_counts() -> None:
    """Blank and missing fields give way to the next."""
    assert fields.first({"a": " ", "b": None, "c": 7, "d": "x"}, "a", "b", "c", "d") == "7"
    assert fields.first({}, "a") == ""
