"""On what kind of file system a folder is, as the system's table of mounts tells."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
_NETWORK = frozenset(
    {"9p", "afs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "s3fs", "smb3", "smbfs",
     "sshfs", "virtiofs", "vboxsf"}
)  # fmt: skip
_OCTAL = re.compile(r"\\([0-7]{3})")


def network_file_system(folder: Path) -> str:
    """Return the type of the network file system that a folder is on; '' when it is local, or nobody can tell."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""  # no Linux
    kind = type_of(folder.resolve(), mounts).removeprefix("fuse.")
    return kind if kind in _NETWORK else ""


def type_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system mounted nearest above a folder; of two at one place, the later."""
    found, depth = "", -1
    for line in mounts.splitlines():
        _, _, rest = line.partition(" ")
        point, _, rest = rest.partition(" ")
        place = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), point))
        if folder.is_relative_to(place) and len(place.parts) >= depth:
            found, depth = rest.partition(" ")[0], len(place.parts)
    return found
