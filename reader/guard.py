"""Who may ask, and what a browser may do with the answer: Host check, password, security headers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Nothing runs but our one script, nothing is loaded but from here, nothing may frame the page or be posted anywhere.
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach a server that listens on `host`."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def may_be_called(host: str, names: Collection[str]) -> bool:
    """Say whether a Host header is one of ours.

    An address in digits always is: only a name can be made to lead here by somebody else's name server, so that a
    page of theirs would count as one of this server's (DNS rebinding).
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    name = name.strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost") or name in names
    return True


class Guard:
    """Lets in who may come in. `names` are the host names of this server; '' as `password` asks for none."""

    def __init__(self, names: Collection[str] = (), password: str = "") -> None:
        """Know this server's names and password; any user name will do."""
        self._names = frozenset(name.lower() for name in names)
        self._password = _digest(password) if password else b""

    def refusal(self, request: web.BaseRequest) -> web.Response | None:
        """Return the answer for one who may not come in; None for one who may."""
        host = request.headers.get("Host", "")
        if not may_be_called(host, self._names):
            return _plain(421, "this server has another name; ask for it by its address, or add the name to [reader]\n")
        if self._password and not self._knows_password(request.headers.get("Authorization", "")):
            answer = _plain(401, "this archive asks for a password\n")
            answer.headers["WWW-Authenticate"] = 'Basic realm="backfile", charset="UTF-8"'
            return answer
        return None

    def _knows_password(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(_digest(given), self._password)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers=HEADERS)
