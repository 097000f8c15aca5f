"""What changed from one revision to another: named, word by word, in colour and without, and for programs."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from backfile.differences import Copy, change, changes, document, joined, print_difference, print_history
from reader.compare import ADDED, REMOVED, SAME, Span, spans
from tests.backfile.test_command_line import SEED, SEED_URL, backfile, newsroom

ARTICLE: dict[str, Any] = {
    "objectType": "Article",
    "id": "7",
    "title": "Rain at last",
    "contents": "<p>It rained in the north.</p><p>Nobody had hoped.</p><p>Dams are at a third.</p>",
    "content_length": 59,
    "firstPublished": "2024-03-01 10:00:00",
    "lastUpdate": "2024-03-01 10:00:00",
    "authors": [{"id": "1", "name": "A. Writer"}],
    "categories": [{"id": "10", "name": "Weather"}, {"id": "11", "name": "Africa"}],
    "keywords": [{"type": "Keyword", "data": {"keywordId": "30", "name": "rain"}}],
    "attachments": [{"id": "5", "url": "https://cdn.test/a.jpg", "name": "A dam", "type": "image"}],
    "views": 3,
}
NEXT_DAY = "2024-03-02 09:30:00"


def copy(number: int, source: str = "api", **edits: Any) -> Copy:
    """A revision of the article with these fields instead."""
    article = {name: value for name, value in {**ARTICLE, **edits}.items() if value is not None}
    return Copy(number, f"2024-03-0{number}T02:00:00Z", source, f"{number:064x}", json.dumps(article))


FIRST = copy(1)


def printed(old: Copy, new: Copy, **console: Any) -> str:
    """What a difference looks like in a terminal of this kind."""
    out = io.StringIO()
    print_difference(Console(file=out, highlight=False, soft_wrap=True, **console), old, new)
    return out.getvalue()


@pytest.mark.parametrize(
    "edits, named",
    [
        ({"title": "Rain"}, "title"),
        ({"contents": "<p>It poured.</p>", "content_length": 10}, "body"),
        ({"summary": "Dams fill."}, "body"),
        ({"authors": [{"id": "2", "name": "B. Writer"}]}, "authors"),
        ({"byline": "B. Writer"}, "authors"),
        ({"attachments": []}, "pictures"),
        ({"attachments": [{**ARTICLE["attachments"][0], "name": "Another dam"}]}, "pictures"),
        ({"categories": ARTICLE["categories"][::-1]}, "categories"),
        ({"keywords": []}, "keywords"),
        ({"firstPublished": NEXT_DAY}, "times"),
        ({"seo": {"search_title": "Rain"}}, "seo"),
        ({"title": "Rain", "keywords": [], "sponsor": {"id": "1"}}, "title, keywords, sponsor"),
        ({"views": 4}, "nothing that counts"),
        ({"attachments": [{**ARTICLE["attachments"][0], "url": "https://other.test/a.jpg"}]}, "nothing that counts"),
    ],
)
def test_what_changed_is_named(edits: dict[str, Any], named: str) -> None:
    """Title, body, authors, pictures, categories, keywords, times, and any further field by its own name."""
    found = change(FIRST, copy(2, **edits))
    assert found.words() == named
    assert found.unannounced == (named != "nothing that counts")


@pytest.mark.parametrize(
    "new, announced",
    [
        (copy(2, title="Rain"), False),
        (copy(2, title="Rain", lastUpdate=NEXT_DAY), True),
        (copy(2, lastUpdate="2024-03-01T10:00:00", title="Rain"), False),
        (copy(2, "partial", title="Rain", lastUpdate=None), None),
    ],
)
def test_an_edit_is_announced_by_the_newsrooms_own_time_of_update(new: Copy, announced: bool | None) -> None:
    """Content changed and lastUpdate did not: unannounced. Another spelling is no change; none at all tells nothing."""
    found = change(FIRST, new)
    assert found.announced is announced
    assert found.unannounced is (announced is False)


def test_words_are_marked_where_there_is_no_colour() -> None:
    """Brackets say what went and what came, also through a pipe; paragraphs that stayed are only counted."""
    new = copy(2, title="Rain at long last", contents=ARTICLE["contents"].replace("the north", "the far south"))
    assert printed(FIRST, new).splitlines() == [
        "from  revision 1, 2024-03-01T02:00:00Z, api",
        "to    revision 2, 2024-03-02T02:00:00Z, api",
        "changed: title, body; words: 1 removed, 3 added  "
        "(unannounced: the newsroom's lastUpdate stayed 2024-03-01 10:00:00)",
        "",
        "title",
        "  Rain at {+long +}last",
        "",
        "body",
        "  It rained in the [-north-]{+far south+}.",
        "  … 2 unchanged …",
    ]
    no_color = printed(FIRST, new, force_terminal=True, color_system="truecolor", no_color=True)
    assert "[-north-]{+far south+}" in no_color


def test_words_are_coloured_where_there_is_colour() -> None:
    """A terminal shows red and green, and no marks."""
    text = printed(FIRST, copy(2, title="Rain at long last"), force_terminal=True, color_system="standard")
    assert "\x1b[1;32mlong \x1b[0m" in text
    assert "{+" not in text


def test_lists_and_times_show_what_came_and_went() -> None:
    """Names and addresses that were added and removed; a new order is said; so are other fields."""
    new = copy(
        2,
        authors=[{"id": "2", "name": "B. Writer"}],
        categories=ARTICLE["categories"][::-1],
        attachments=[],
        lastUpdate=NEXT_DAY,
        contents=ARTICLE["contents"].replace("<p>", '<p class="a">'),
        sponsor={"id": "1"},
        teaser="Rain falls",
    )
    text = printed(FIRST, new)
    assert "authors\n  [-A. Writer-]\n  {+B. Writer+}\n" in text
    assert "pictures\n  [-https://cdn.test/a.jpg-]\n" in text
    assert "categories\n  the same, in another order or with other details\n" in text
    assert f"times\n  lastUpdate [-2024-03-01 10:00:00-]{{+{NEXT_DAY}+}}\n" in text
    assert "body\n  no words: markup alone\n" in text
    assert "other fields\n  sponsor\n  teaser {+Rain falls+}\n" in text
    assert "unannounced" not in text


def test_a_corrected_caption_is_shown_word_by_word() -> None:
    """The picture is the same one, so only its words are compared."""
    new = copy(2, attachments=[{**ARTICLE["attachments"][0], "name": "A full dam"}])
    assert "pictures\n  A {+full +}dam\n" in printed(FIRST, new)
    (caption,) = document(FIRST, new)["captions"]
    assert caption["attachment_id"] == "5"
    assert "".join(span["text"] for span in caption["spans"]) == "A full dam"


def test_no_terminal_obeys_what_was_archived() -> None:
    """Escapes, line breaks and controls in any field are shown, not sent; nothing pretends to be another line."""
    evil = "\x1b[31mred\x9b2J\u202e\rname\nchanged: nothing"
    new = copy(
        2,
        title=evil,
        contents=f"<p>{evil}</p>",
        authors=[{"id": evil, "name": evil}],
        attachments=[{"id": "5", "name": evil}, {"id": evil, "url": f"https://cdn.test/{evil}", "type": "image"}],
        lastUpdate=evil,
        **{evil: evil},
    )
    for kind in ({}, {"force_terminal": True, "no_color": True}):
        text = printed(FIRST, new, **kind)
        assert not set(text) & set("\x9b\u202e\r")
        assert "\x1b[31m" not in text
        assert [line for line in text.splitlines() if line.startswith("changed")] == [text.splitlines()[2]]
    out = io.StringIO()
    print_history(Console(file=out, highlight=False, soft_wrap=True), [FIRST, new])
    assert len(out.getvalue().splitlines()) == 2


def test_the_history_names_each_change() -> None:
    """One line a revision: when, by which route, what changed, and whether it was said."""
    copies = [FIRST, copy(2, title="Rain"), copy(3, title="Rain", keywords=[], lastUpdate=NEXT_DAY)]
    out = io.StringIO()
    print_history(Console(file=out, highlight=False, soft_wrap=True), copies)
    assert out.getvalue().splitlines() == [
        "  1  2024-03-01T02:00:00Z  api      000000000000  first captured",
        "  2  2024-03-02T02:00:00Z  api      000000000000  title  (unannounced)",
        "  3  2024-03-03T02:00:00Z  api      000000000000  keywords, times",
    ]


def test_a_damaged_revision_hides_no_other() -> None:
    """What cannot be read any more is named as such; the rest of the history stands."""
    damaged = Copy(2, "2024-03-02T02:00:00Z", "api", "0" * 64, '{"title": "Ra')
    first, second, third = changes([FIRST, damaged, copy(3)])
    assert first is None
    assert second is not None
    assert third is not None
    assert "(unreadable JSON)" in second.words()
    assert second.announced is None
    assert document(FIRST, damaged)["changed"] == list(second.words().split(", "))


paragraphs = st.lists(st.text("ab c.", min_size=1, max_size=12).filter(str.strip), max_size=4)


@given(st.text("ab .", max_size=9), paragraphs, st.text("ab .", max_size=9), paragraphs)
def test_the_document_holds_both_texts(title: str, old: list[str], new_title: str, new: list[str]) -> None:
    """Without what was added it reads as the old revision, without what was removed as the new one."""
    before, after = ("".join(f"<p>{text}</p>" for text in texts) for texts in (old, new))
    found = document(copy(1, title=title, contents=before), copy(2, title=new_title, contents=after))
    for skipped, texts, heading in ((ADDED, old, title), (REMOVED, new, new_title)):
        read = ["".join(span["text"] for span in row if span["kind"] != skipped) for row in found["body"]]
        assert [text for text in read if text] == [" ".join(text.split()) for text in texts]
        shown = "".join(span["text"] for span in found["title"] if span["kind"] != skipped)
        assert shown.split() == heading.split()


@given(st.text("ab .", max_size=30), st.text("ab .", max_size=30))
def test_putting_changes_together_loses_nothing(old: str, new: str) -> None:
    """Both texts can still be read, and no two changes are parted by blanks alone."""
    found = joined(spans(old, new))
    assert "".join(span.text for span in found if span.kind != ADDED) == old
    assert "".join(span.text for span in found if span.kind != REMOVED) == new
    kinds = [span.kind for span in found]
    assert all(kinds[i] != kinds[i + 1] for i in range(len(kinds) - 1))


def test_words_replaced_in_a_row_are_read_in_a_row() -> None:
    """Not word for word in turns."""
    assert joined(spans("the old dry north is", "the new wet north is")) == [
        Span(SAME, "the "),
        Span(REMOVED, "old dry"),
        Span(ADDED, "new wet"),
        Span(SAME, " north is"),
    ]


def test_an_edit_of_a_real_article_is_shown_by_the_command(tmp_path: Path) -> None:
    """A real article, edited twice in the newsroom: listed, compared in words and as JSON, once without a word."""
    article = json.loads(SEED.read_bytes())
    body = article["contents"].replace("regional", "continental", 1)
    capture_again(tmp_path, article)
    capture_again(tmp_path, {**article, "contents": body})
    capture_again(
        tmp_path, {**article, "contents": body, "title": "Another title", "lastUpdate": "2023-07-08 09:00:00"}
    )
    first, second, third = show(tmp_path, "--revisions").stdout.splitlines()
    assert first.endswith("first captured")
    assert second.endswith("body  (unannounced)")
    assert third.endswith("title, times")
    assert "[-regional-]{+continental+}" in show(tmp_path, "--diff", 1, 2).stdout
    whole = json.loads(show(tmp_path, "--diff", 1, 3, "--json").stdout)
    assert (whole["old"]["number"], whole["new"]["number"]) == (1, 3)
    assert (whole["changed"], whole["unannounced"]) == (["title", "body", "times"], False)
    listed = json.loads(show(tmp_path, "--json").stdout)["revision_list"]
    assert [entry.get("unannounced") for entry in listed] == [None, True, False]
    missing = show(tmp_path, "--diff", 1, 4)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "has no revision 4" in missing.stderr


def capture_again(folder: Path, article: dict[str, Any]) -> None:
    """Archive an article as a newsroom has it now."""
    documents = folder / "documents"
    documents.mkdir(exist_ok=True)
    (documents / SEED.name).write_text(json.dumps(article), encoding="utf-8")
    with newsroom(folder, "--tls", "--replay", "documents") as config:
        crawled = backfile("--config", config, "crawl", "--refresh", SEED_URL, folder=folder)
    assert (crawled.returncode, crawled.stderr) == (0, "")


def show(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    """Ask for the article in a process of its own."""
    return backfile("--config", folder / "box.toml", "show", "dm:1758224", *options, folder=folder)
