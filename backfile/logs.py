"""Logs: for people by default, one JSON object a line on request; no secrets, no control characters."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console
from rich.logging import RichHandler

from backfile.settings import Secret

_PARAMETERS = re.compile(r"(?i)([?&](?:key|token|api_key|password)=)[^&\s\"']+")
_HEADERS = re.compile(r"(?i)\b((?:api-key|authorization|cookie)\b[\"']?\s*[:=]\s*)[^\r\n,;\"']+")
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Mask:
    """Makes text fit to be shown: secrets masked, control and bidi characters escaped."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """Mask these values wherever they occur."""
        values = sorted((secret.value for secret in secrets if secret.value), key=len, reverse=True)
        self._secrets = re.compile("|".join(re.escape(value) for value in values)) if values else None

    def __call__(self, text: str) -> str:
        """Return `text` without secrets and without characters that a terminal obeys."""
        if self._secrets is not None:
            text = self._secrets.sub("********", text)
        text = _HEADERS.sub(r"\1********", _PARAMETERS.sub(r"\1********", text))
        return _UNSAFE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class _MaskFilter(logging.Filter):
    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._mask(record.getMessage()), ()
        return True


class _JsonFormatter(logging.Formatter):
    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "facts", {})
        if record.exc_info:
            entry["traceback"] = self._mask(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str, form: str, secrets: Iterable[Secret], console: Console) -> None:
    """Send logs to stderr at a level, as `text` or `json`."""
    mask = Mask(secrets)
    handler: logging.Handler
    if form == "json":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonFormatter(mask))
    elif console.is_terminal:
        handler = RichHandler(console=console, show_path=False, markup=False, highlighter=None, rich_tracebacks=False)
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_MaskFilter(mask))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for noisy in ("asyncio", "aiohttp", "aiosqlite", "PIL", "filelock"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, LEVELS[level]))
