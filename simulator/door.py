"""Who is let in: the keys that are good, and the host names that the site has left."""

from __future__ import annotations

ADMIN_KEY = "box-admin-key"


class Door:
    """Changes when the key is revoked or the site moves."""

    def __init__(self, key: str) -> None:
        self._keys = {key, ADMIN_KEY}
        self._former: set[str] = set()

    def admits(self, key: object) -> bool:
        """Say whether a key is good."""
        return key in self._keys

    def revoke(self, key: str) -> None:
        """Refuse a key from now on."""
        self._keys.discard(key)

    def move(self, old: str, new: str) -> None:
        """Remember that the public site is at another host now."""
        self._former = self._former - {new} | {old}

    def has_left(self, host: str) -> bool:
        """Say whether the public site was once at this host (with its port, where that is not the usual one)."""
        return host in self._former
