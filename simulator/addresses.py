"""Where each part of the newsroom can be reached: one local port, or real host names over TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs without a trailing slash."""

    front: str
    second: str
    short: str
    media: str
    api: str
    classic: str

    def host_of(self, role: str) -> str:
        """Return the host (and port, when it is not the scheme's own) of a role."""
        return str(getattr(self, role)).split("://", 1)[1].split("/", 1)[0]


def local(host: str, port: int) -> Addresses:
    """Everything on one plain HTTP address."""
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return Addresses(base, base, base, base, f"{base}/cms", f"{base}/cmsapi")


def public(hosts: Mapping[str, str]) -> Addresses:
    """The installation's real host names over HTTPS."""
    return Addresses(
        front=f"https://{hosts['front']}",
        second=f"https://{hosts['second']}",
        short=f"https://{hosts['short']}",
        media=f"https://{hosts['media']}",
        api=f"https://{hosts['api']}/cms",
        classic=f"https://{hosts['front']}/cmsapi",
    )
