"""The plan of a newsroom's days, and the arithmetic of its clock and its lists."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.addresses import local
from simulator.content import Content
from simulator.days import AWAY, plan
from simulator.events import OF_ARTICLES, Event, Kind, Way
from simulator.filing import Woven
from simulator.profiles import PROFILES
from simulator.walltime import Calendar, read_stamp, stamp

FIRST = date(2022, 6, 1)


def founded(profile: str = "dm", articles: int = 300, seed: int = 1) -> Content:
    return Content(PROFILES[profile], seed, articles, True, local("127.0.0.1", 8000))


def planned(profile: str = "dm", articles: int = 300, seed: int = 1, days: int = 12, events: int = 40) -> list[Event]:
    calendar = Calendar(PROFILES[profile].timezone, FIRST)
    return list(plan(founded(profile, articles, seed), calendar, days, events))


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_a_plan_is_fixed_by_its_seed(profile: str) -> None:
    """The same seed plans the same events; another plans others; more days only add to them."""
    assert planned(profile) == planned(profile)
    assert planned(profile) != planned(profile, seed=2)
    assert planned(profile, days=14)[: 12 * 40] == planned(profile)


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_events_are_in_order_and_within_their_day(profile: str) -> None:
    """So many a day, numbered as time passes, each between the midnights of its day."""
    events, calendar = planned(profile), Calendar(PROFILES[profile].timezone, FIRST)
    assert [event.number for event in events] == list(range(1, 12 * 40 + 1))
    assert [event.at for event in events] == sorted({event.at for event in events})
    assert Counter(event.day for event in events) == dict.fromkeys(range(1, 13), 40)
    for event in events:
        assert calendar.begins(event.day) <= event.at < calendar.begins(event.day + 1)
        assert calendar.day(event.at) == event.day


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_everything_happens(profile: str) -> None:
    """Within twelve days every kind of event, every way to be away, every field edited with a word and without."""
    events = planned(profile)
    edits = {event.changed for event in events if event.kind is Kind.EDITED}
    assert {event.kind for event in events} == set(Kind) - {Kind.MOVED, Kind.REVOKED}
    assert {event.values[0] for event in events if event.kind is Kind.UNPUBLISHED} == set(Way)
    for field in ("title", "contents", "authors", "keywords", "attachments"):
        assert {(field,), (field, "lastUpdate")} <= edits
    assert ("lastUpdate",) in edits


@pytest.mark.parametrize("articles", [0, 3, 300])
def test_one_visit_a_day_can_see_every_event(articles: int) -> None:
    """No article has two events on one day, and nothing comes back before it could be missed twice."""
    events = [event for event in planned(articles=articles) if event.kind in OF_ARTICLES]
    assert max(Counter((event.day, event.article) for event in events).values()) == 1
    away: dict[str | None, int] = {}
    for event in events:
        if event.kind is Kind.UNPUBLISHED:
            assert event.article not in away
            away[event.article] = event.day
        elif event.kind is Kind.RESTORED:
            assert event.day - away.pop(event.article) >= AWAY
        else:
            assert event.article not in away


def test_expectations_follow_from_the_kind() -> None:
    """What makes a revision, what announces it, what is gone and back, and whose bytes are new."""
    for event in planned():
        expected = event.expected
        quiet = event.kind in (Kind.VIEWED, Kind.SWAPPED, Kind.LOST, Kind.MERGED, Kind.RENAMED)
        moved = event.kind in (Kind.UNPUBLISHED, Kind.RESTORED)
        assert expected.revision is not (quiet or moved)
        assert expected.announced is (event.kind is Kind.PUBLISHED or "lastUpdate" in event.changed)
        assert (expected.gone or expected.returned) is (moved and Way.UNLISTED not in event.values)
        assert (expected.renditions == "gone") is (event.kind is Kind.LOST)


def test_backdated_articles_are_dated_before_their_day() -> None:
    """Their first publication is earlier than the day on which they appear; that of others is the event's own time."""
    calendar = Calendar(PROFILES["dm"].timezone, FIRST)
    for event in planned():
        if event.kind is Kind.BACKDATED:
            assert datetime.fromisoformat(event.values[0]) < calendar.local(event.at) - timedelta(days=1)
        elif event.kind is Kind.PUBLISHED:
            assert datetime.fromisoformat(event.values[0]) == calendar.local(event.at)


@pytest.mark.parametrize(
    "first, hours",
    [
        (date(2022, 3, 27), 23),  # clocks go forward at midnight itself: 00:00 is followed by 01:00
        (date(2022, 10, 29), 25),  # and back at the end of this day: 23:00 to 24:00 comes twice
        (date(2022, 7, 1), 24),
    ],
)
def test_days_in_beirut_are_as_long_as_their_clocks_say(first: date, hours: int) -> None:
    """A day lasts from midnight to midnight, also when midnight does not exist."""
    calendar = Calendar("Asia/Beirut", first)
    assert calendar.begins(2) - calendar.begins(1) == timedelta(hours=hours)
    assert calendar.day(calendar.begins(1)) == 1
    assert calendar.day(calendar.begins(1) - timedelta(seconds=1)) == 0
    assert calendar.day(calendar.begins(2) - timedelta(seconds=1)) == 1


def test_the_same_time_next_day_is_the_same_on_the_wall() -> None:
    """Three in the morning stays three in the morning when the clocks change, and UTC moves."""
    calendar = Calendar("Asia/Beirut", date(2022, 3, 27))
    three = calendar.instant(datetime.fromisoformat("2022-03-26T03:00:00"))
    assert stamp(three) == "2022-03-26T01:00:00Z"
    assert stamp(calendar.later(three, 1)) == "2022-03-27T00:00:00Z"


@given(st.datetimes(min_value=datetime.fromisoformat("2015-01-01"), max_value=datetime.fromisoformat("2035-01-01")))
def test_wall_time_leads_back_to_its_instant(moment: datetime) -> None:
    """Except for the hour that comes twice, where the first is meant."""
    calendar = Calendar("Asia/Beirut", FIRST)
    instant = moment.replace(tzinfo=UTC)
    back = calendar.instant(calendar.local(instant))
    assert back in (instant, instant - timedelta(hours=1))
    assert calendar.local(back) == calendar.local(instant)


def test_instants_are_read_with_a_zone_only() -> None:
    """A time without one would be a guess."""
    assert read_stamp("2022-06-01T02:00:00+02:00") == datetime(2022, 6, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="has no zone"):
        read_stamp("2022-06-01T00:00:00")


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)), st.lists(st.integers(100, 200), unique=True))
def test_woven_lists_equal_lists_that_were_edited(base: set[int], out: set[int], new: list[int]) -> None:
    """Leaving out and setting in by position gives what editing a copy gives, for every place and slice."""
    places = sorted(base)
    inserts = [(number % (len(places) + 1), number) for number in sorted(new)]
    without = [place for place in out if place < len(places)]
    woven = Woven(places, without, inserts)
    expected: list[tuple[int, int, int]] = [(p, 1, one) for p, one in enumerate(places) if p not in without]
    for position, number in inserts:
        insort(expected, (position, 0, number))
    values = [value for _, _, value in expected]
    assert list(woven) == values
    assert len(woven) == len(values)
    assert woven[3:11] == values[3:11]
    assert [woven[-1 - place] for place in range(len(values))] == values[::-1]
    with pytest.raises(IndexError):
        woven[len(values)]


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_lists_agree_with_articles_after_many_days(profile: str) -> None:
    """Newest first, each article in exactly the lists that it names, and none that is away in any of them."""
    content, calendar = founded(profile), Calendar(PROFILES[profile].timezone, FIRST)
    for event in planned(profile):
        content.apply(event, calendar.local(event.at))
    ids = list(content.ids())
    articles = [content.article(article_id) or {} for article_id in ids]
    dates = [article["firstPublished"] for article in articles]
    assert dates == sorted(dates, reverse=True)
    assert len(set(ids)) == len(ids)
    merged = content.corpus.changes.keyword
    filed: dict[tuple[str, str], list[str]] = {}
    for article in articles:
        names = {("category", category["id"]) for category in article["categories"]}
        names |= {("keyword", merged(keyword["data"]["keywordId"])) for keyword in article["keywords"]}
        names |= {("author", author["id"]) for author in article["authors"]}
        for name in names:
            filed.setdefault(name, []).append(article["id"])
    listings = [found for kind in ("category", "keyword", "author") for found in content.listings(kind)]
    assert {(found.kind, found.id): list(found.ids) for found in listings if found.count} == filed
    publication = articles[0]["categories"][0]["typeId"]["typeId"]
    of_it = [a["id"] for a in articles if a["categories"][0]["typeId"]["typeId"] == publication]
    assert list(content.publication(publication, None) or ()) == of_it
    away = [i for i in map(content.corpus.id, content.corpus.changes.articles) if content.way(i) is not None]
    assert away
    assert not set(away) & set(ids)
