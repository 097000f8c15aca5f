"""What is known of an article, and when it is looked at again: the values between the archive and the schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class History:
    """What is known of an article; times in Unix seconds."""

    key: str  # site:<cms id>
    published: float | None
    first_seen: float
    checked: float  # when the CMS last gave an answer about it, either way
    changes: tuple[float, ...]
    absent_since: float | None
    gone: bool
    partial: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """When an article is looked at again, and why; times in Unix seconds, `interval` in seconds."""

    key: str
    due_at: float
    turn: float  # of what is due, the lowest goes first
    reason: str
    checked_at: float
    interval: float


@dataclass(frozen=True, slots=True)
class Known:
    """What a listing's word about an article is to be compared with."""

    planned: Planned
    signals: str  # of what is held; '' when unknown
    answered: str  # what a listing said before the article was last checked


@dataclass(frozen=True, slots=True)
class Heard:
    """What follows from a listing's word."""

    planned: Planned
    note: str  # to be remembered until the article has been checked


Plan = Callable[[History], Planned]
Hear = Callable[[str, Known], Heard | None]
