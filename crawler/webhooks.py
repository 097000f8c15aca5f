"""What the CMS's webhook posts when an editor saves an article (contract 7.1): who signed it, what it says. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from crawler.cms import fields, jsontext
from crawler.cms.dates import instant
from crawler.errors import ParseError

SIGNATURE = "x-webhook-signature"
LATEST = timedelta(hours=2)  # by which a message may come after a newer one; an hour of it is for clocks put back
_SCHEME = "sha256="
_ID = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Saved:
    """An article that was saved, by its CMS id, and when in UTC ISO 8601."""

    article: str
    at: str


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Say whether a body was signed with the secret, in a time that does not depend on how much of it is right."""
    expected = _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = signature.strip().lower().encode("utf-8", "surrogateescape")
    return bool(secret) and hmac.compare_digest(given, expected.encode())


def read(body: bytes, timezone: str) -> Saved:
    """Return what a webhook says; both bodies of the contract, unknown fields ignored. Raises ParseError.

    `timezone` is the site's, in which the timestamp is written.
    """
    said = fields.mapping(jsontext.decode(jsontext.utf8(body)))
    article = fields.first(said, "article_id") or fields.first(fields.mapping(said.get("parameters")), "article_id")
    if not _ID.fullmatch(article):
        raise ParseError("the webhook names no article: neither it nor its parameters have a sound article_id")
    at = instant(fields.first(said, "timestamp"), timezone)
    if at is None:
        raise ParseError(f"the webhook for article {article} has no timestamp, so it could be posted again for ever")
    return Saved(article, at)


def oldest_believed(newest: str, now: str) -> str:
    """Return the oldest time of a message that is still believed; all times in UTC ISO 8601.

    `newest` is the latest time that any message of the site had, '' when there was none. The newsroom is measured by
    its own clock, which may be wrong; but one that ran ahead once does not silence it until that time has come.
    """
    try:
        latest = datetime.fromisoformat(min(newest, now)) - LATEST
    except (ValueError, OverflowError):  # '', or the year 1
        return ""
    return latest.isoformat(timespec="seconds").replace("+00:00", "Z")
