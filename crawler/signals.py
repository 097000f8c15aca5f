"""What a listing's few words say about an article that we hold: the cheap pre-check of contract 7.2. Pure.

| the listing says | verdict |
|---|---|
| another title, time of update, length, or other picture or keyword ids | changed |
| the same of all of these | same, as far as a listing shows |
| no title, time or length; or we hold none of them | cannot tell |
| pictures or keywords on one side only, all else the same | cannot tell: not every route names them |
| a difference that a check has already looked into | cannot tell: listings are stale, and stay so for a while |

What is not said is no evidence. "Same" spares a request for a while, never for good: an edit that keeps the length
shows in no listing, and the time of update is set by hand.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import astuple

from crawler.cms.api import Listed

_SILENCE: Final = ("", None, ())  # nothing said; a length of 0 says something
_NEEDED: Final = 3  # of the signals, in order: title, time of update, length


class Verdict(StrEnum):
    """What a listing says about an article we hold."""

    CHANGED = "changed"
    SAME = "same as far as the listing shows"
    UNTOLD = "cannot tell"


class Signals(msgspec.Struct, frozen=True):
    """The fields by which a change may be seen without fetching the article; ids in no order."""

    id: str
    title: str
    last_update: str
    content_length: int | None
    attachment_ids: tuple[str, ...]
    keyword_ids: tuple[str, ...]


def signals(listed: Listed) -> Signals:
    """Return the signals in an item of a list."""
    return Signals(
        id=listed.id,
        title=" ".join(listed.title.split()),
        last_update=listed.last_update.replace("T", " ").partition(".")[0],  # pages spell the same time differently
        content_length=listed.content_length,
        attachment_ids=tuple(sorted(listed.attachment_ids)),
        keyword_ids=tuple(sorted(listed.keyword_ids)),
    )


class Word(msgspec.Struct, frozen=True, array_like=True):
    """What a listing said of an article, and when in Unix seconds (0: it is what we hold ourselves)."""

    said: Signals
    heard_at: float = 0.0


def encode(said: Signals, heard_at: float = 0.0) -> str:
    """Return signals as storage keeps them."""
    return msgspec.json.encode(Word(said, heard_at)).decode("utf-8", "surrogatepass")


def decode(text: str) -> Word:
    """Return what `encode` wrote."""
    return msgspec.json.decode(text, type=Word)


def fingerprint(said: Signals) -> str:
    """Return a short text that stands for what a listing said, to be remembered with the check that followed it."""
    return blake2b(msgspec.json.encode(astuple(said)), digest_size=8).hexdigest()


def judge(listed: Signals, held: Signals, *, answered: str = "") -> Verdict:
    """Say what a listing tells of an article we hold.

    `answered`: the fingerprint of what the listing said when the article was last checked, '' when nothing was said.
    Raises ValueError when the two are not the same article.
    """
    if listed.id != held.id:
        raise ValueError(f"the listing speaks of article {listed.id}, not of {held.id}")
    pairs = list(zip(astuple(listed)[1:], astuple(held)[1:], strict=True))
    if any(said != known for said, known in pairs if said not in _SILENCE and known not in _SILENCE):
        return Verdict.UNTOLD if fingerprint(listed) == answered else Verdict.CHANGED
    one_sided = any((said in _SILENCE) != (known in _SILENCE) for said, known in pairs)
    unsaid = any(said in _SILENCE for said, _ in pairs[:_NEEDED])
    return Verdict.UNTOLD if one_sided or unsaid else Verdict.SAME
