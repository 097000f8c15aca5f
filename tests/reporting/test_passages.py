"""What of a change is shown: all that changed, and of the rest what stands around it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backfile.reporting.passages import details, line, passages, shortened
from reader.compare import ADDED, REMOVED, SAME, Span, spans

texts = st.text(alphabet="abc d", max_size=400)


def paragraph(old: str, new: str) -> list[dict[str, Any]]:
    """Return a paragraph as a difference has it."""
    return [{"kind": span.kind, "text": span.text} for span in spans(old, new)]


def test_a_long_text_is_cut_to_where_it_changed() -> None:
    """Unchanged paragraphs are counted, unchanged words cut to those around the change, changed ones kept whole."""
    long = "one two " * 100
    found = passages([paragraph(long, long)] * 7 + [paragraph(f"{long}old {long}", f"{long}new {long}")])
    assert found.passages[0].unchanged == 7
    words = found.passages[1].spans
    assert [span.text for span in words if span.kind != SAME] == ["old", "new"]
    assert all(len(span.text) < 100 for span in words)
    assert words[0].text.startswith("…")
    assert words[-1].text.endswith("…")
    assert found.left_out == 0


def test_of_very_many_changed_paragraphs_the_rest_is_counted() -> None:
    """Twelve are shown; how many more changed is said."""
    found = passages([paragraph(f"old {number}", f"new {number}") for number in range(40)])
    assert len([passage for passage in found.passages if passage.spans]) == 12
    assert found.left_out == 28


def test_a_body_that_did_not_change_shows_nothing() -> None:
    """Not even how many paragraphs it has."""
    assert passages([paragraph("same", "same")]).passages == ()


@given(texts, texts)
def test_whatever_changed_is_shown(old: str, new: str) -> None:
    """Cutting loses no word that came or went."""
    whole = spans(old, new)
    for kind in (ADDED, REMOVED):
        assert "".join(span.text for span in shortened(whole) if span.kind == kind) == "".join(
            span.text for span in whole if span.kind == kind
        )


def test_a_huge_change_is_cut() -> None:
    """A text that was replaced by another is shown by its beginning."""
    (span,) = shortened([Span(ADDED, "x" * 5_000)])
    assert len(span.text) < 1_300
    assert span.text.endswith("…")


def test_further_fields_are_shown_when_they_are_short() -> None:
    """A text, a number, a truth, nothing; what is made of parts is but named elsewhere."""
    others: dict[str, dict[str, object]] = {
        "status": {"old": "publish", "new": "draft"},
        "preview_limit": {"old": None, "new": 850},
        "access_control": {"old": False, "new": True},
        "seo": {"old": {"a": 1}, "new": {"a": 2}},
        "teaser": {"old": "x" * 300, "new": ""},
    }
    assert [name for name, _ in details(others)] == ["status", "preview_limit", "access_control"]
    assert details(others)[0][1] == (Span(REMOVED, "publish"), Span(ADDED, "draft"))


def test_a_line_is_read_as_it_was_written() -> None:
    """Words replaced in a row are put together."""
    assert line(paragraph("a b c", "a x y")) == (Span(SAME, "a "), Span(REMOVED, "b c"), Span(ADDED, "x y"))
