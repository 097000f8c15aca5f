"""Logs: for people by default, one JSON object a line on request; no secrets, no controls, no forged lines."""

from __future__ import annotations

import codecs
import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
from rich.console import Console
from rich.logging import RichHandler

from backfile.settings import Secret
from crawler import trail

_PARAMETERS = re.compile(r"(?i)([?&](?:key|token|api_key|password)=)[^&\s\"']+")
_HEADERS = re.compile(r"(?i)\b((?:api-key|authorization|cookie)\b[\"']?\s*[:=]\s*)[^\r\n,;\"']+")
# Controls but for tab and line feed, line and paragraph separators, bidi controls, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def json_text(document: object, indent: int | None = None, *, encoding: str = "utf-8") -> str:
    """Return JSON that no terminal obeys: the same document, with controls spelt as JSON's own escapes.

    So is everything beyond ASCII where the encoding is not that of JSON.
    """
    utf8 = codecs.lookup(encoding).name == "utf-8"
    text = json.dumps(document, ensure_ascii=not utf8, indent=indent, default=str)
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


class Mask:
    """Makes text fit to be shown: secrets masked, control and bidi characters escaped; lines stay lines."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """Mask these values wherever they occur."""
        spellings = {
            text for secret in secrets if secret.value.strip() for text in (secret.value, quote(secret.value, safe=""))
        }
        values = sorted(spellings, key=len, reverse=True)
        self._secrets = re.compile("|".join(re.escape(value) for value in values)) if values else None

    def __call__(self, text: str) -> str:
        """Return `text` without secrets and without characters that a terminal obeys."""
        if self._secrets is not None:
            text = self._secrets.sub("********", text)
        text = _HEADERS.sub(r"\1********", _PARAMETERS.sub(r"\1********", text))
        return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)

    def line(self, text: str) -> str:
        """Return `text` as one line, so that what came from the network cannot pretend to be another."""
        return self(text).replace("\n", "\\n")


class _MaskFilter(logging.Filter):
    """Masks what every formatter will show: the message and, once and for all, the traceback as text."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask
        self._tracebacks = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._mask.line(record.getMessage()), ()
        if record.exc_info:
            # The lines of a traceback are ours, those of an error's own words are not: none begins like a log line.
            lines = self._tracebacks.formatException(record.exc_info).split("\n")
            record.exc_text = "\n".join(f"  {self._mask(line)}" for line in lines)
        return True


class _JsonFormatter(logging.Formatter):
    """One object a line: `ts` (UTC), `level`, `logger`, `message`; `run`, `job` and `request` where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in msgspec.structs.asdict(trail.here()).items() if value},
        }
        if record.exc_text:
            entry["traceback"] = record.exc_text
        return json_text(entry, encoding=sys.stderr.encoding)


def configure(level: str, form: str, secrets: Iterable[Secret], console: Console) -> None:
    """Send logs to stderr at a level, as `text` or `json`."""
    handler: logging.Handler
    if form == "json":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonFormatter())
    elif console.is_terminal:
        handler = RichHandler(console=console, show_path=False, markup=False, highlighter=None, rich_tracebacks=False)
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_MaskFilter(Mask(secrets)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for noisy in ("asyncio", "aiohttp", "aiosqlite", "PIL", "filelock"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, LEVELS[level]))


def as_objects(text: str, level: int = logging.ERROR, error: BaseException | None = None) -> bool:
    """Write text for people as a log writes its entries, an object for each line, where logs are JSON; say whether.

    Whoever asks for such logs reads all of stderr by machine. The traceback of an `error` goes with each.
    """
    handler = next((one for one in logging.getLogger().handlers if isinstance(one.formatter, _JsonFormatter)), None)
    if handler is None:
        return False
    trace = None if error is None else (type(error), error, error.__traceback__)
    for line in filter(str.strip, text.splitlines()):
        handler.handle(logging.LogRecord("backfile", level, "", 0, line, None, trace))
    return True
