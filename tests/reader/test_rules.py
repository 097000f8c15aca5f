"""The reader's small rules: addresses, times, pictures, memory, names of this server, stories of any shape."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader import story
from reader.dates import Zones, extent, midnight, starts
from reader.guard import Guard, is_loopback, may_be_called
from reader.items import shortened
from reader.links import Links
from reader.memo import Memo
from reader.pictures import Album, Stored, show
from storage.shelves import Name

ZONES = Zones({"dm": "Africa/Johannesburg", "olj": "Asia/Beirut", "odd": "No/Where"})


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_id_breaks_out_of_its_address(site: str, cms_id: str) -> None:
    """Whatever a term is called, its address is one path of this server, with three parts."""
    href = Links().term(Name("keyword", site, cms_id, ""))
    assert href.startswith("/keyword/")
    assert href.count("/") == 3
    assert not set(href) & set(" <>\"'?#\\")


def test_addresses_can_be_spelled_otherwise() -> None:
    """Whoever writes pages to files gives his own way to spell an address, and every page uses it."""
    links = Links(lambda path, query: "../" * len(path) + "-".join(path) + ".html")
    assert links.article("dm", "1") == "../../../article-dm-1.html"
    assert links.search({"q": "x"}) == "../search.html"


def test_a_day_is_the_newsrooms() -> None:
    """An article of half past midnight in Johannesburg is of that day, though UTC's is the one before."""
    moment = ZONES.moment("2023-07-06T22:30:00Z", "dm")
    assert moment is not None
    assert (moment.day, moment.full) == ("7 July 2023", "Friday 7 July 2023, 00:30 SAST")
    assert midnight(date(2023, 7, 7), ZONES.zone("dm")) == "2023-07-06T22:00:00Z"
    assert str(ZONES.zone("odd")) == str(ZONES.zone()) == "UTC"
    assert str(Zones({"a": "Asia/Beirut", "b": "Asia/Beirut"}).zone()) == "Asia/Beirut"


@pytest.mark.parametrize("wrong", ["", None, "soon", "2023-13-01T00:00:00Z", "99999"])
def test_a_time_that_is_none_is_not_shown(wrong: str | None) -> None:
    """And breaks nothing."""
    assert ZONES.moment(wrong, "dm") is None


def test_a_day_that_clocks_change_on_has_its_own_length() -> None:
    """Midnight in Beirut moves with its summer time: days begin where the last one ended."""
    days = starts([2021, 3])
    bounds = [midnight(day, ZONES.zone("olj")) for day in days]
    assert (bounds[0], bounds[-1]) == ("2021-02-28T22:00:00Z", "2021-03-31T21:00:00Z")
    assert len(bounds) == len(set(bounds)) == 32
    assert extent([2024, 2, 29]) == (date(2024, 2, 29), date(2024, 3, 1))


def _file(width: int, height: int, transform: str = "", kind: str = "image/jpeg") -> Stored:
    return Stored(f"{width:064x}", "jpg", kind, width, height, transform)


def test_a_browser_chooses_among_uncropped_sizes() -> None:
    """A crop is no size of the picture; a wall gets a smaller default than an article."""
    files = [_file(1600, 1067), _file(200, 100, "200x100"), _file(450, 300, "450x0"), _file(800, 533, "800x0")]
    shown = show(files, Links())
    assert [part.split()[1] for part in shown.srcset.split(", ")] == ["450w", "800w", "1600w"]
    assert (shown.width, shown.height) == (800, 533)
    assert show(files, Links(), wall=True).width == 450
    assert shown.href.endswith(f"{1600:064x}")


def test_what_no_browser_shows_is_not_put_before_one() -> None:
    """A TIFF is held and has no `src`; nothing held is missing."""
    assert show([_file(9, 9, kind="image/tiff")], Links()).src == ""
    assert show([], Links()).state == "missing"


def test_a_picture_is_found_by_any_of_its_urls() -> None:
    """By the URL of a transform, by the same path on another host, and not by what is not its own."""
    row = {"attachment_id": "7", "sha256": "a" * 64, "path": "media/aa/aa/a.jpg", "media_type": "image/jpeg",
           "width": 800, "height": 600, "transform": None, "state": "stored"}  # fmt: skip
    album = Album(
        [{**row, "url": "https://cdn.example.org/a.jpg"}, {**row, "url": "https://cdn.example.org/i/a.jpg"}], Links()
    )
    for url in ("https://cdn.example.org/a.jpg", "https://cdn.example.org/i/a.jpg", "https://other.example/a.jpg"):
        assert album.picture(url).state == "stored"
    assert album.picture("https://cdn.example.org/b.jpg").state == "unknown"
    assert album.picture("http://[broken").state == "unknown"


async def test_what_is_remembered_is_found_out_once() -> None:
    """Two who ask at once share one answer; after its time the old one serves while a new one is found out."""
    now, asked = [0.0], []

    async def find_out() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        if len(asked) == 4:
            raise OSError("once")
        return len(asked)

    memo = Memo(60, lambda: now[0])
    assert [*await asyncio.gather(memo.get("x", find_out), memo.get("x", find_out))] == [1, 1]
    now[0] = 59
    assert await memo.get("x", find_out) == 1
    now[0] = 61
    assert await memo.get("x", find_out) == 1
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert await memo.get("x", find_out) == 2
    now[0] = 1000
    assert await memo.get("x", find_out) == 3  # too old to be of use


async def test_a_failure_is_not_remembered() -> None:
    """The next who asks tries again; where there is an old answer, nobody hears of the failure."""
    now, asked = [0.0], []

    async def find_out() -> int:
        asked.append(1)
        if len(asked) in (1, 3):
            raise OSError("once")
        return len(asked)

    async def found_out() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    memo = Memo(60, lambda: now[0])
    with pytest.raises(OSError, match="once"):
        await memo.get("x", find_out)
    assert await memo.get("x", find_out) == 2
    now[0] = 61
    assert await memo.get("x", find_out) == 2
    await found_out()
    assert len(asked) == 3
    assert await memo.get("x", find_out) == 2
    await found_out()
    assert await memo.get("x", find_out) == 4


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_is_known(host: str) -> None:
    """Where nobody else can ask, no password is needed."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "archive.example", "", "localhost.example"])
def test_everything_else_is_wider(host: str) -> None:
    """And wants a password."""
    assert not is_loopback(host)


@given(st.text(max_size=40))
def test_only_names_we_were_told_are_ours(host: str) -> None:
    """A host that is neither an address nor local is refused unless it was named."""
    if may_be_called(host, ()):
        bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
        assert "localhost" in bare.lower() or any(character.isdigit() or character == ":" for character in bare)


def test_a_guard_does_not_print_its_password() -> None:
    """Not even by mistake."""
    assert "secret word" not in repr(vars(Guard((), "secret word")))


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
FIELDS = ("title", "summary", "contents", "introduction", "attachments", "inline_attachments", "authors", "categories",
          "keywords", "elements", "related", "sponsor", "source", "seo", "chef", "persons", "byline")  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_a_story_of_any_shape_is_read(article: dict[str, object]) -> None:
    """A field of the wrong shape is an empty one."""
    told = story.read(json.dumps(article))
    assert isinstance(told.title, str)
    assert all(isinstance(one.url, str) for one in told.attachments)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "[" * 100_000, '{"title": "\\ud800"}', "null"])
def test_json_that_cannot_be_read_is_an_empty_story(text: str) -> None:
    """The archive shows what it has, whatever that is."""
    assert story.read(text).contents_html == ""


@pytest.mark.parametrize(
    "fields, language, rtl",
    [
        ({"title": "The council met for the third time"}, "en", False),
        ({"title": "Le conseil est dans une impasse pour les élections"}, "fr", False),
        ({"title": "الصيادون يدرسون خط الحافلات"}, "ar", True),
        ({"title": "Title", "categories": [{"typeId": {"locale": "fr-FR"}}]}, "fr", False),
        ({"title": "Title", "categories": [{"typeId": {"locale": "<x>"}}]}, "en", False),
    ],
)
def test_a_language_is_told(fields: dict[str, object], language: str, rtl: bool) -> None:
    """By the publication's locale, by the script, or by the little words."""
    told = story.read(json.dumps(fields))
    assert (told.language, told.rtl) == (language, rtl)


@given(st.text(max_size=80), st.integers(1, 40))
def test_a_summary_is_cut_between_words(text: str, limit: int) -> None:
    """At most so long, and an ellipsis where something is missing."""
    short = shortened(text, limit)
    assert len(short) <= limit + 1
    assert short.endswith("…") or short == " ".join(text.split())
