"""Durations, dates and sizes as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.values import day, duration, duration_text, size_text


@pytest.mark.parametrize(
    "text, seconds",
    [("90", 90), ("90m", 5400), ("2h", 7200), ("1h30m", 5400), (" 1d ", 86400), ("1.5h", 5400), ("10s", 10)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """Numbers with units, or seconds."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "h", "-5", "0", "5 parsecs", "1h30"])
def test_what_is_no_duration_is_named(text: str) -> None:
    """The message holds the value."""
    with pytest.raises(ValueError, match=r"no (duration|time)"):
        duration(text)


@pytest.mark.parametrize(
    "text, first, last",
    [
        ("2023-07-06", "2023-07-06", "2023-07-06"),
        ("2023-02", "2023-02-01", "2023-02-28"),
        ("2024-2", "2024-02-01", "2024-02-29"),
        ("2023", "2023-01-01", "2023-12-31"),
        ("2023-12", "2023-12-01", "2023-12-31"),
    ],
)
def test_dates_may_be_months_and_years(text: str, first: str, last: str) -> None:
    """A month or a year begins with its first day and ends with its last."""
    assert (day(text), day(text, last=True)) == (first, last)


@pytest.mark.parametrize("text", ["", "yesterday", "2023-13", "2023-02-30", "06/07/2023"])
def test_what_is_no_date_is_named(text: str) -> None:
    """The message holds the value and the forms."""
    with pytest.raises(ValueError, match="no date"):
        day(text)


@given(st.floats(min_value=0, max_value=1e12))
def test_sizes_and_durations_are_short(value: float) -> None:
    """Whatever the number, its text fits a column."""
    assert len(size_text(value)) <= 12
    assert len(duration_text(value)) <= 20
