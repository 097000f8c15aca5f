"""The peers' own packages, pinned, in an environment of their own: none of them is a dependency of backfile."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).with_name("requirements.txt")
HOME = ROOT / "build" / "peers"


def interpreter() -> Path:
    """Return the peers' Python, which is made when it is not there, or has other packages than are pinned."""
    python, mark = HOME / "bin" / "python", HOME / "pins"
    pins = PINS.read_text(encoding="utf-8")
    if not mark.exists() or mark.read_text(encoding="utf-8") != pins:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
        pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input", "install"]
        for pin in pins.split():  # one by one: what cannot be had is missing, the others are compared
            subprocess.run([*pip, pin], check=False)
        mark.write_text(pins, encoding="utf-8")
    return python


def packages_of(python: Path) -> dict[str, str]:
    """Return the versions of an interpreter's packages, by lower-case name."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "list", "--format=json"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {one["name"].lower(): one["version"] for one in json.loads(found)}
