"""A throw-away certificate authority that vouches for the newsroom's host names."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path


class Authority:
    """Issues one certificate for all hosts and keeps its own in a temporary file until closed."""

    def __init__(self, hosts: Iterable[str]) -> None:
        try:
            import trustme
        except ImportError as missing:
            raise RuntimeError(
                "TLS needs trustme, which is not installed: pip install 'backfile[simulator]'"
            ) from missing
        self._authority = trustme.CA(organization_name="newsroom in a box")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.vouch(hosts)
        self._folder = tempfile.TemporaryDirectory(prefix="newsroom-ca-")
        self.file = Path(self._folder.name) / "ca.pem"
        self.pem = self._authority.cert_pem.bytes()
        self.file.write_bytes(self.pem)

    def vouch(self, hosts: Iterable[str]) -> None:
        """Issue a certificate for these hosts; new connections see it."""
        names = {host.partition(":")[0] for host in hosts}
        certificate = self._authority.issue_cert(*sorted({*names, "localhost", "127.0.0.1"}))
        certificate.configure_cert(self.context)

    def close(self) -> None:
        """Remove the temporary file."""
        self._folder.cleanup()
