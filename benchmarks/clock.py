"""What a command costs, measured from a small process of its own: a child begins with its parent's peak of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PARENT = """
import json, os, sys, time
began = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
facts = {"wall": time.perf_counter() - began, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss << 10,
         "status": os.waitstatus_to_exitcode(status)}
os.write(3, json.dumps(facts).encode())
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a command: wall and CPU seconds, and the most memory it held in bytes (some 9 MB at least)."""

    wall: float
    cpu: float
    memory: int


def run(command: Sequence[str], environment: Mapping[str, str], cores: str = "") -> tuple[Measured, str]:
    """Run a command, on these cores; returns what it cost and what it printed. Raises RuntimeError when it fails."""
    reading, writing = os.pipe()
    pinned = ["taskset", "--cpu-list", cores] if cores else []
    small = [*pinned, sys.executable, "-I", "-S", "-c", _PARENT.replace("os.write(3", f"os.write({writing}")]
    done = subprocess.run(
        [*small, *command], env=os.environ | environment, pass_fds=[writing], capture_output=True, check=False
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        facts = json.loads(stream.read() or b'{"status": "nothing"}')
    said = done.stdout.decode(errors="replace")
    if facts["status"] != 0:
        raise RuntimeError(
            f"{command[0]} ended with {facts['status']}: {(done.stderr.decode(errors='replace'))[-800:]}"
        )
    return Measured(facts["wall"], facts["cpu"], facts["memory"]), said
