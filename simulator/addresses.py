"""Where each part of the newsroom can be reached: one local port, or real host names over TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simulator.profiles import Publication


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs without a trailing slash."""

    front: str
    second: str
    short: str
    media: str
    api: str
    classic: str

    def base(self, publication: Publication) -> str:
        """Return the front that a publication appears on."""
        return self.second if publication.front == "second" else self.front

    def moved(self, host: str) -> Addresses:
        """Return the addresses after the public site has moved to another host; API and pictures stay where they are.

        Whatever shares the front's host moves with it: the classic API, and where it is so, short addresses.
        """
        new = f"{self.front.split('://', 1)[0]}://{host}"
        return replace(
            self,
            front=new,
            second=new if self.second == self.front else self.second,
            short=new if self.short == self.front else self.short,
            classic=self.classic.replace(self.front, new, 1),
        )

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
