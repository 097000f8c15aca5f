"""What changed between two revisions, as rules."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reader.compare import ADDED, REMOVED, SAME, Listed, Span, Version, compare, spans

TEXTS = st.text(alphabet=st.sampled_from("ab éع,.! \n"), max_size=60)
PARAGRAPHS = st.lists(TEXTS.map(str.strip).filter(bool), max_size=8).map(tuple)
PLAIN = Version("A title", ("One paragraph.", "Another paragraph here."), ("a.jpg",), ("Ada",), ("Africa",), ("Mali",))


@given(TEXTS, TEXTS)
def test_spans_tell_both_texts_whole(old: str, new: str) -> None:
    """What stayed and what went is the old text, what stayed and what came is the new one."""
    found = spans(old, new)
    assert "".join(span.text for span in found if span.kind != ADDED) == old
    assert "".join(span.text for span in found if span.kind != REMOVED) == new
    assert all(span.text for span in found)


@given(PARAGRAPHS, PARAGRAPHS)
def test_rows_tell_both_revisions_whole(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """Every paragraph of either revision is in one row, in order; equal revisions have no change."""
    rows = compare(Version("", old), Version("", new)).rows
    assert tuple(text for row in rows if (text := "".join(span.text for span in row.old))) == old
    assert tuple(text for row in rows if (text := "".join(span.text for span in row.new))) == new
    assert any(row.changed for row in rows) == (old != new)


def test_nothing_changed() -> None:
    """A revision is like itself."""
    result = compare(PLAIN, PLAIN)
    assert (result.aspects, result.lists, result.words_added, result.words_removed) == ((), (), 0, 0)


def test_words_are_named_that_changed() -> None:
    """A rewritten paragraph stays one row, word by word; a new one stands by itself."""
    new = replace(PLAIN, paragraphs=("One new paragraph.", "Another paragraph here.", "Correction: it was wrong."))
    result = compare(PLAIN, new)
    assert result.rows[0].inline == (Span(SAME, "One"), Span(ADDED, " new"), Span(SAME, " paragraph."))
    assert result.rows[2].old == ()
    assert (result.aspects, result.words_added, result.words_removed) == (("text",), 5, 0)


def test_what_has_nothing_in_common_is_not_mixed() -> None:
    """One paragraph in the place of a quite different one: out and in, not word salad."""
    result = compare(Version("", ("alpha beta gamma",)), Version("", ("delta epsilon",)))
    assert [(row.old, row.new) for row in result.rows] == [
        ((Span(REMOVED, "alpha beta gamma"),), ()),
        ((), (Span(ADDED, "delta epsilon"),)),
    ]


def test_an_edit_is_announced_when_the_newsroom_says_so() -> None:
    """A change with the newsroom's own time of update is announced, without it is not."""
    edited = replace(PLAIN, title="Another title")
    assert not compare(PLAIN, edited).announced
    later = replace(edited, updated="2023-07-07 10:00:00")
    assert compare(PLAIN, later).announced
    assert compare(PLAIN, later).aspects == ("title", "times")


def test_lists_name_what_came_and_went() -> None:
    """Pictures, authors, categories and keywords are compared as lists, whatever their order."""
    new = replace(PLAIN, pictures=("b.jpg", "a.jpg"), authors=("Zoë",))
    assert compare(PLAIN, new).lists == (Listed("pictures", (), ("b.jpg",)), Listed("authors", ("Ada",), ("Zoë",)))


def test_a_huge_text_counts_as_replaced() -> None:
    """A comparison is bounded: beyond some millions of steps a text is out, and the other in."""
    old, new = "a " * 3000, "b " * 3000
    assert spans(old, new) == (Span(REMOVED, old), Span(ADDED, new))
