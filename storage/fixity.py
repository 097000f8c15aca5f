"""Files against rows, both ways: every row of `file` has its file, whole and unaltered; every file has its row.

The tree is read folder by folder, and each folder's rows with it, so that neither is ever held whole, no read
transaction is held long, and a run that writes meanwhile is not taken for damage: files come before their rows,
so the folder is listed first, and what no row names is asked about again at the end.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import re
import sqlite3
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeVar

from storage.files import MediaTree
from storage.findings import Finding, Flaw

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 1 << 20
_BATCH_BYTES = 16 << 20
_BATCH_ITEMS = 256
_AHEAD = 4
_HEAVY = 64 << 10
_SUSPECTS = 1_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EXTENSION = re.compile(r"[a-z0-9]{1,16}")
_FOLDER = re.compile(r"[0-9a-f]{2}")

Chosen = Callable[[], bool]
"""Says for each file in turn whether its content is to be read, or only its presence and size looked at."""
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Task:
    """A file to look at: one that a row names, or (size None) one that none does."""

    path: str  # as the system takes it
    name: str  # relative to the archive
    sha256: str
    size: int | None
    read: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a file showed."""

    task: Task
    flaw: Flaw | None = None
    detail: str = ""
    digest: str = ""


def check_files(connection: sqlite3.Connection, tree: MediaTree, chosen: Chosen, advance: Advance) -> Iterator[Finding]:
    """Yield what is wrong between the rows of `file` and the files of the tree."""
    suspects: list[Seen] = []
    for seen in in_order(look, _tasks(connection, tree, chosen), weight=lambda task: task.size or 0):
        if seen.task.size is None:
            suspects.append(seen)
            if len(suspects) >= _SUSPECTS:
                yield from _judged(connection, tree, suspects)
                suspects.clear()
            continue
        if seen.flaw is not None:
            yield Finding(seen.flaw, seen.task.name, seen.detail, seen.task.sha256)
        advance(seen.task.size)
    yield from _judged(connection, tree, suspects)


def look(task: Task) -> Seen:
    """Look at one file; on a thread of its own, as most of the time is spent where the interpreter is not needed."""
    try:
        if not task.read:
            return _measured(task, os.stat(task.path)) or Seen(task)
        descriptor = os.open(task.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            flawed = _measured(task, os.fstat(descriptor))
            return flawed or _read(task, descriptor)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return Seen(task, Flaw.MISSING, "the file is not there")
    except OSError as error:
        return Seen(task, Flaw.UNREADABLE, f"cannot be read ({error.strerror or error})")


def _measured(task: Task, status: os.stat_result) -> Seen | None:
    if not stat.S_ISREG(status.st_mode):
        return Seen(task, Flaw.MISSING, "what is there is not a file")
    if task.size is not None and status.st_size != task.size:
        return Seen(task, Flaw.TRUNCATED, f"{status.st_size} bytes instead of {task.size}")
    return None


def _read(task: Task, descriptor: int) -> Seen:
    digest = hashlib.sha256()
    left = task.size
    # As little memory is asked for as the file takes, and no more reads: most renditions are small.
    while left != 0 and (chunk := os.read(descriptor, CHUNK if left is None else min(CHUNK, left))):
        digest.update(chunk)
        left = None if left is None else left - len(chunk)
    content = digest.hexdigest()
    if task.size is not None and content != task.sha256:
        return Seen(task, Flaw.ALTERED, f"its content has the hash {content}")
    return Seen(task, digest=content)


def in_order(work: Callable[[T], R], items: Iterable[T], weight: Callable[[T], int]) -> Iterator[R]:
    """Yield `work(item)` for each item in order.

    Heavy items are worked on by two threads, a few batches ahead and no further. For light ones the threads would
    spend more time waiting for the interpreter than working.
    """
    pending: deque[Callable[[], list[R]]] = deque()
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        try:
            for batch, heavy in _batches(items, weight):
                if heavy >= len(batch) * _HEAVY:
                    pending.append(pool.submit(_all, work, batch).result)
                else:
                    pending.append(partial(_all, work, batch))
                if len(pending) > _AHEAD:
                    yield from pending.popleft()()
            while pending:
                yield from pending.popleft()()
        finally:
            pool.shutdown(cancel_futures=True)


def _all(work: Callable[[T], R], batch: list[T]) -> list[R]:
    return [work(item) for item in batch]


def _batches(items: Iterable[T], weight: Callable[[T], int]) -> Iterator[tuple[list[T], int]]:
    batch: list[T] = []
    heavy = 0
    for item in items:
        batch.append(item)
        heavy += weight(item)
        if heavy >= _BATCH_BYTES or len(batch) >= _BATCH_ITEMS:
            yield batch, heavy
            batch, heavy = [], 0
    if batch:
        yield batch, heavy


# What there is to look at ---------------------------------------------------------------------------------------------


# Cast, because in a damaged database any column may hold anything.
_ROWS = """
SELECT CAST(sha256 AS TEXT), ifnull(CAST(bytes AS INTEGER), -1), ifnull(CAST(extension AS TEXT), '')
FROM file WHERE sha256 >= ? AND sha256 < ? ORDER BY sha256
"""
_NEXT_ROW = "SELECT CAST(min(sha256) AS TEXT) FROM file WHERE sha256 > ? AND typeof(sha256) = 'text'"


def _tasks(connection: sqlite3.Connection, tree: MediaTree, chosen: Chosen) -> Iterator[Task]:
    root = str(tree.root)
    yield from (_stray(tree, path) for path in _out_of_place(root))
    folders = heapq.merge(_folders_on_disk(root), _folders_in_rows(connection))
    for prefix, _ in groupby(folders):
        folder = os.path.join(root, prefix[:2], prefix[2:])
        present = {entry.name for entry in _entries(folder)} if _is_folder(prefix) else set()
        for sha256, size, extension in connection.execute(_ROWS, (prefix, f"{prefix}~")).fetchall():
            if not is_content_name(sha256, extension):
                continue  # no path is made of it; the rules of consistency name the row
            name = f"{sha256}.{extension}"
            present.discard(name)
            yield Task(os.path.join(folder, name), tree.relative(sha256, extension), sha256, size, chosen())
        for name in sorted(present):
            yield from (_stray(tree, path) for path in _files_below(os.path.join(folder, name)))


def is_content_name(sha256: str, extension: str) -> bool:
    """Say whether a row names a file as the tree does; anything else could lead out of it."""
    return bool(_SHA256.fullmatch(sha256) and _EXTENSION.fullmatch(extension))


def _is_folder(prefix: str) -> bool:
    return bool(_FOLDER.fullmatch(prefix[:2]) and _FOLDER.fullmatch(prefix[2:]))


def _stray(tree: MediaTree, path: str) -> Task:
    return Task(path, os.path.relpath(path, tree.archive), "", None, read=True)


def _folders_in_rows(connection: sqlite3.Connection) -> Iterator[str]:
    """Hop from folder to folder through the key."""
    last = ""
    while True:
        (sha256,) = connection.execute(_NEXT_ROW, (last,)).fetchone()
        if sha256 is None:
            return
        prefix = sha256[:4]
        yield prefix
        last = f"{prefix}~"  # "~" comes after every name in the folder


def _folders_on_disk(root: str) -> Iterator[str]:
    for outer in _entries(root):
        if _FOLDER.fullmatch(outer.name) and outer.is_dir():
            for inner in _entries(outer.path):
                if _FOLDER.fullmatch(inner.name) and inner.is_dir():
                    yield outer.name + inner.name


def _out_of_place(root: str) -> Iterator[str]:
    """Yield the files that are in none of the tree's folders; `incoming` is looked at by itself."""
    for outer in _entries(root):
        if outer.name == "incoming":
            continue
        if not (_FOLDER.fullmatch(outer.name) and outer.is_dir()):
            yield from _files_below(outer.path)
            continue
        for inner in _entries(outer.path):
            if not (_FOLDER.fullmatch(inner.name) and inner.is_dir()):
                yield from _files_below(inner.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []  # gone, or unreadable: then so is every file that a row says is in it


def _files_below(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in sorted(names))


# Files that no row names ----------------------------------------------------------------------------------------------


def _judged(connection: sqlite3.Connection, tree: MediaTree, suspects: Iterable[Seen]) -> Iterator[Finding]:
    for seen in suspects:
        if seen.flaw is Flaw.UNREADABLE:
            yield Finding(seen.flaw, seen.task.name, seen.detail)
        elif seen.flaw is None:
            finding = _verdict(connection, tree, seen.task.name, seen.digest)
            if finding is not None:
                yield finding


def _verdict(connection: sqlite3.Connection, tree: MediaTree, name: str, digest: str) -> Finding | None:
    row = connection.execute("SELECT extension FROM file WHERE sha256 = ?", (digest,)).fetchone()
    if row is not None:
        place = tree.relative(digest, row[0])
        # A run that writes may have brought the row since the folder was listed.
        return None if place == name else Finding(Flaw.MISNAMED, name, f"its content belongs at {place}", digest)
    stem = os.path.basename(name).partition(".")[0]
    if _SHA256.fullmatch(stem) and stem != digest:
        return Finding(Flaw.MISNAMED, name, f"its content has the hash {digest}, which no row names")
    return Finding(Flaw.ORPHANED, name, "no row names it")


def leftovers(tree: MediaTree) -> Iterator[Finding]:
    """Yield what a crash left half-received; only for an archive at rest, as a run has such files in hand."""
    for path in _files_below(str(tree.root / "incoming")):
        if os.path.lexists(path):
            name = os.path.relpath(path, tree.archive)
            yield Finding(Flaw.ORPHANED, name, "left half-received; the next run that writes clears it away")
