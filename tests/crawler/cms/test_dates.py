"""Dates of the CMS: local where they are naive, never UTC by accident (contract 4.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.cms.dates import instant
from crawler.errors import ParseError

JOHANNESBURG, BEIRUT, PARIS = "Africa/Johannesburg", "Asia/Beirut", "Europe/Paris"


@pytest.mark.parametrize(
    "raw, zone, expected",
    [
        ("2023-07-06 14:54:06", JOHANNESBURG, "2023-07-06T12:54:06Z"),
        ("2026-01-06T12:31:36", JOHANNESBURG, "2026-01-06T10:31:36Z"),
        ("2026-01-23 12:23:37", BEIRUT, "2026-01-23T10:23:37Z"),
        ("2026-04-23 10:49:05", BEIRUT, "2026-04-23T07:49:05Z"),
        (" 2020-07-30 00:00:00 ", BEIRUT, "2020-07-29T21:00:00Z"),
        ("2020-07-30", BEIRUT, "2020-07-29T21:00:00Z"),
        ("2023-07-06 14:54", JOHANNESBURG, "2023-07-06T12:54:00Z"),
        ("2023-07-06 14:54:06.123", JOHANNESBURG, "2023-07-06T12:54:06Z"),
        ("2023-07-06T14:54:06Z", JOHANNESBURG, "2023-07-06T14:54:06Z"),
        ("2023-07-06T14:54:06.000Z", JOHANNESBURG, "2023-07-06T14:54:06Z"),
        ("2023-07-06T14:54:06+05:30", JOHANNESBURG, "2023-07-06T09:24:06Z"),
        ("2023-07-06 14:54:06 -0300", JOHANNESBURG, "2023-07-06T17:54:06Z"),
        ("2024-03-31 02:30:00", PARIS, "2024-03-31T01:30:00Z"),
        ("2024-10-27 02:30:00", PARIS, "2024-10-27T00:30:00Z"),
        ("0999-01-01 12:00:00", "UTC", "0999-01-01T12:00:00Z"),
    ],
)
def test_instants(raw: str, zone: str, expected: str) -> None:
    """A naive date is in the site's zone, an offset is honoured, skipped and repeated hours have one reading."""
    assert instant(raw, zone) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "", "0000-00-00 00:00:00", "0000-00-00", "2023-02-30 00:00:00", "2023-13-01 00:00:00", "2023-07-06 25:00:00",
        "yesterday", "2023", "1688655246", "06/07/2023", "2023-07-06 14:54:06 CEST", "٢٠٢٣-٠٧-٠٦ ١٤:٥٤:٠٦",
        "0001-01-01 00:00:00", "9999-12-31 23:59:59-23:59", "2023-07-06 14:54:06" + " " * 50 + "x",
    ],
)  # fmt: skip
def test_what_is_no_date_is_none(raw: str) -> None:
    """Zero dates, impossible days and prose are no dates."""
    assert instant(raw, JOHANNESBURG) is None


def test_an_unknown_zone_is_refused() -> None:
    """A zone that does not exist is not silently taken for UTC."""
    for zone in ("Mars/Olympus", "", "../../etc/passwd"):
        with pytest.raises(ParseError, match="time zone"):
            instant("2023-07-06 14:54:06", zone)


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([+-][0-9]{4}|Z)?"))
def test_any_text_has_an_instant_or_none(raw: str) -> None:
    """No text leads to an exception."""
    found = instant(raw, BEIRUT)
    assert found is None or (len(found) == 20 and found.endswith("Z"))
