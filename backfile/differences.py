"""What changed between revisions of an article: named, and word by word, for terminals and for programs.

What counts as changed is what makes a revision: the canonical form (crawler/cms/canonical.py). What readers see of it
is compared by `reader.compare`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise
from typing import Any

from rich.console import Console
from rich.text import Text

from backfile.logs import Mask
from crawler.cms import canonical, fields, jsontext
from crawler.errors import ParseError
from reader import story
from reader.compare import ADDED, REMOVED, SAME, Comparison, Row, Span, compare, spans
from reader.versions import version

_ASPECTS = {  # in words: the fields of the article object
    "title": ("title",),
    "body": ("contents", "introduction", "summary"),
    "authors": ("authors", "byline"),
    "pictures": ("attachments", "inline_attachments"),
    "categories": ("categories",),
    "keywords": ("keywords",),
    "times": ("firstPublished", "lastUpdate"),
}
_NAMED = frozenset(field for names in _ASPECTS.values() for field in names)
_FOLLOWING = frozenset({"content_length", "time_to_read"})  # the CMS counts them from the body
_UNREADABLE = "(unreadable JSON)"
_UNANNOUNCED = "unannounced"
_STYLES = {SAME: "", REMOVED: "red strike", ADDED: "bold green"}
_MARKS = {SAME: ("", ""), REMOVED: ("[-", "-]"), ADDED: ("{+", "+}")}
_BRIEF = 1_000  # characters of a further field that are shown word by word
_safe = Mask(())


@dataclass(frozen=True, slots=True)
class Copy:
    """One revision as it is kept. `fetched_at`: UTC; `source`: api, page or partial; `json`: as it came."""

    number: int
    fetched_at: str
    source: str
    content_hash: str
    json: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two revisions.

    `aspects`: title, body, authors, pictures, categories, keywords, times, in this order. `others`: further fields of
    the article object, by name, with both values in canonical form, None where there is none. `announced`: whether
    the newsroom's `lastUpdate` changed too (contract 7.2); None when one of the two has none, as pages captured in
    part do.
    """

    aspects: tuple[str, ...]
    others: dict[str, tuple[object, object]]
    announced: bool | None

    @property
    def unannounced(self) -> bool:
        """Whether something was changed without a word."""
        return self.announced is False and bool(self.aspects or self.others)

    def words(self) -> str:
        """Name it in a few words, in one line."""
        named = [*self.aspects, *(_safe.line(name) for name in self.others)]
        return ", ".join(named) or "nothing that counts"


def change(old: Copy, new: Copy) -> Change:
    """Name what differs between two revisions."""
    before, after = _form(old), _form(new)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    aspects = tuple(aspect for aspect, names in _ASPECTS.items() if not changed.isdisjoint(names))
    others = sorted(changed - _NAMED - (_FOLLOWING if "body" in aspects else set()))
    told = "lastUpdate" in before and "lastUpdate" in after
    return Change(
        aspects=aspects,
        others={name: (before.get(name), after.get(name)) for name in others},
        announced="lastUpdate" in changed if told else None,
    )


def _form(copy: Copy) -> dict[str, object]:
    try:
        return canonical.canonical_form(fields.mapping(jsontext.decode(copy.json)))
    except ParseError:
        return {_UNREADABLE: copy.json}  # damage, which `verify` explains: it must not hide the other revisions


def document(old: Copy, new: Copy) -> dict[str, Any]:
    """Return the difference of two revisions for programs.

    The spans of `title`, and of each paragraph of `body`, give the old text without those added, and the new one
    without those removed.
    """
    found, words = change(old, new), compare(version(old.json), version(new.json))
    return {
        "old": _facts(old),
        "new": _facts(new),
        **summary(found),
        "title": [asdict(span) for span in words.title.inline],
        "body": [[asdict(span) for span in row.inline] for row in words.rows],
        "captions": [
            {"attachment_id": name, "spans": [asdict(span) for span in caption]}
            for name, caption in captions(old, new).items()
        ],
        "lists": {one.what: {"removed": one.removed, "added": one.added} for one in words.lists},
        "first_published_raw": words.published,
        "last_update_raw": words.updated,
        "words_removed": words.words_removed,
        "words_added": words.words_added,
        "others": {name: {"old": before, "new": after} for name, (before, after) in found.others.items()},
    }


def summary(found: Change) -> dict[str, Any]:
    """Return what changed, by name, and whether it was announced, for programs."""
    names = [*found.aspects, *found.others]
    return {"changed": names, "announced": found.announced, "unannounced": found.unannounced}


def captions(old: Copy, new: Copy) -> dict[str, tuple[Span, ...]]:
    """Return how the captions, name and description, of the pictures in both revisions changed, by attachment id."""
    before, after = (
        {one.id: " · ".join(filter(None, (one.name, one.description))) for one in (*found.attachments, *found.inline)}
        for found in (story.read(old.json), story.read(new.json))
    )
    return {name: spans(before[name], text) for name, text in after.items() if name in before and before[name] != text}


def changes(copies: Sequence[Copy]) -> list[Change | None]:
    """Return for each revision, oldest first, what changed against the one before; None for the first."""
    return [None, *(change(old, new) for old, new in pairwise(copies))]


def print_history(console: Console, copies: Sequence[Copy]) -> None:
    """List the revisions of an article, oldest first, each with what changed against the one before."""
    for copy, found in zip(copies, changes(copies), strict=True):
        line = Text(f"{copy.number:>3}  {copy.fetched_at}  {copy.source:<7}  {copy.content_hash[:12]}  ")
        line.append("first captured" if found is None else found.words())
        if found is not None and found.unannounced:
            line.append(f"  ({_UNANNOUNCED})", "yellow")
        console.print(line)


def print_difference(console: Console, old: Copy, new: Copy) -> None:
    """Print what changed from one revision to another, word by word."""
    found, words = change(old, new), compare(version(old.json), version(new.json))
    for name, copy in (("from", old), ("to", new)):
        console.print(Text(f"{name:<5} revision {copy.number}, {copy.fetched_at}, {copy.source}", "dim"))
    line = Text("changed: ").append(found.words(), "bold")
    if words.words_removed or words.words_added:
        line.append(f"; words: {words.words_removed} removed, {words.words_added} added")
    if found.unannounced:
        line.append(f"  ({_UNANNOUNCED}: the newsroom's lastUpdate stayed {_safe.line(words.updated[1])})", "yellow")
    elif found.announced is None and found.aspects:
        line.append("  (whether it was announced cannot be told: one of the two has no lastUpdate)", "dim")
    console.print(line)
    marked = console.no_color or console.color_system is None
    for part in _parts(found, words, captions(old, new).values(), marked=marked):
        console.print()
        console.print(part)


def _parts(found: Change, words: Comparison, captioned: Iterable[tuple[Span, ...]], *, marked: bool) -> Iterable[Text]:
    """Yield what is printed, one aspect after the other."""
    lists: dict[str, list[tuple[Span, ...]]] = {
        one.what: [*((Span(REMOVED, text),) for text in one.removed), *((Span(ADDED, text),) for text in one.added)]
        for one in words.lists
    }
    lists["pictures"] = [*lists.get("pictures", []), *captioned]
    for aspect in found.aspects:
        if aspect == "title":
            lines = [_shown(words.title.inline, marked=marked)]
        elif aspect == "body":
            lines = list(_body(words.rows, marked=marked)) or [Text("no words: markup alone", "dim")]
        elif aspect == "times":
            lines = list(_times(words, marked=marked))
        else:
            lines = [_shown(entry, marked=marked) for entry in lists.get(aspect, [])]
            lines = lines or [Text("the same, in another order or with other details", "dim")]
        yield _headed(aspect, lines)
    if found.others:
        lines = [_other(name, before, after, marked=marked) for name, (before, after) in found.others.items()]
        yield _headed("other fields", lines)


def _other(name: str, before: object, after: object, *, marked: bool) -> Text:
    """Return a field by name, with its words where it is a short text."""
    line, texts = Text(_safe.line(name)), [value or "" for value in (before, after)]
    old, new = (value if isinstance(value, str) and len(value) <= _BRIEF else None for value in texts)
    if old is not None and new is not None:
        line.append(" ").append_text(_shown(spans(old, new), marked=marked))
    return line


def _times(words: Comparison, *, marked: bool) -> Iterable[Text]:
    for name, (old, new) in {"firstPublished": words.published, "lastUpdate": words.updated}.items():
        if old != new:
            yield Text(f"{name} ").append_text(_shown((Span(REMOVED, old), Span(ADDED, new)), marked=marked))


def _headed(heading: str, lines: Sequence[Text]) -> Text:
    return Text("\n").join([Text(heading, "bold"), *(Text("  ").append_text(line) for line in lines)])


def _body(rows: Sequence[Row], *, marked: bool) -> Iterable[Text]:
    """Yield the paragraphs that changed; of those between them only how many there are."""
    if not any(row.changed for row in rows):
        return
    for changed, group in groupby(rows, lambda row: row.changed):
        found = list(group)
        if changed:
            yield from (_shown(row.inline, marked=marked) for row in found)
        else:
            yield Text(f"… {len(found)} unchanged …", "dim")


def _shown(spans: Iterable[Span], *, marked: bool) -> Text:
    """Return spans in colour, or between marks where there is none."""
    text = Text()
    for span in joined(spans):
        opening, closing = _MARKS[span.kind] if marked else ("", "")
        text.append(f"{opening}{_safe.line(span.text)}{closing}", "" if marked else _STYLES[span.kind])
    return text


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans with neighbouring changes put together: words replaced in a row are read in a row.

    What stood between them and stayed, if it is but blanks, is in both.
    """
    done: list[Span] = []
    removed = added = gap = ""
    for span in spans:
        if span.kind != SAME:
            gone, come = (span.text, "") if span.kind == REMOVED else ("", span.text)
            removed, added, gap = removed + gap + gone, added + gap + come, ""
        elif span.text.isspace() and (removed and added):
            gap += span.text
        else:
            done += _closed(removed, added, gap)
            removed = added = gap = ""
            done.append(span)
    return done + _closed(removed, added, gap)


def _closed(removed: str, added: str, gap: str) -> list[Span]:
    return [Span(kind, text) for kind, text in ((REMOVED, removed), (ADDED, added), (SAME, gap)) if text]


def _facts(copy: Copy) -> dict[str, Any]:
    return {
        "number": copy.number,
        "fetched_at": copy.fetched_at,
        "source": copy.source,
        "content_hash": copy.content_hash,
    }
