"""What an HTTP status says about one attempt (contract 2.3). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from crawler.errors import Fault, FaultKind
from crawler.retry import moment_of, parse_retry_after

_SAID = 4_000  # bytes of a refusal that are quoted; more than is shown, lest a key in them is cut before it is masked


def fault_of_status(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Fault:
    """Return the Fault that an HTTP status stands for (contract 2.3).

    A date in Retry-After is by the server's clock, which is as wrong as its Date says; `now` in Unix seconds.
    """
    retry_after = parse_retry_after(headers.get("Retry-After"), moment_of(headers.get("Date")) or now)
    kind = {
        403: FaultKind.BOT_WALL, 404: FaultKind.NOT_FOUND, 410: FaultKind.GONE,
        429: FaultKind.RATE_LIMITED, 503: FaultKind.UNAVAILABLE,
    }.get(status, FaultKind.SERVER_ERROR if status >= 500 else FaultKind.HTTP_STATUS)  # fmt: skip
    said = " ".join(body[:_SAID].decode("utf-8", "replace").split()) if body[:1] in (b"{", b"[") else ""
    message = f"HTTP {status}" + (f": {said}" if said else "")
    return Fault(kind, message, http_status=status, retry_after=retry_after)


def about_the_key(fault: Fault) -> Fault:
    """Read a refusal of a request that carried a key: 401, or a 403 that speaks of the key (contract 2.3)."""
    refused = fault.http_status == 401 or (fault.http_status == 403 and "key" in str(fault).lower())
    if not refused:
        return fault
    message = f"the key was refused ({fault})"
    return Fault(FaultKind.KEY_REFUSED, message, http_status=fault.http_status, host=fault.host)
