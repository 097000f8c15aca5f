"""What a command costs, measured from a small process of its own: a child begins with its parent's peak of memory.

The kernel counts with a command the children that it has waited for; none of those measured here leaves any behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PARENT = """
import json, os, sys, threading, time
began = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
held, over = [], threading.Event()
def watch():
    while not over.wait(0.1):
        try:
            with open(f"/proc/{child}/statm") as file:
                held.append(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        except OSError:
            return
threading.Thread(target=watch, daemon=True).start()
_, status, usage = os.wait4(child, 0)
facts = {"wall": time.perf_counter() - began, "user": usage.ru_utime, "system": usage.ru_stime,
         "memory": usage.ru_maxrss << 10, "status": os.waitstatus_to_exitcode(status)}
over.set()
held = list(filter(None, held))
facts["resident"] = [held[len(held) * part // 100] for part in range(100) if held]
os.write(3, json.dumps(facts).encode())
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a command, its children included: seconds, and bytes of memory (some 9 MB at least).

    `resident` is what it held after each hundredth of the time; empty when it was over too soon to tell.
    """

    wall: float
    user: float
    system: float
    memory: int
    resident: tuple[int, ...] = ()

    @property
    def cpu(self) -> float:
        """Return the processors' seconds."""
        return self.user + self.system

    def resident_at(self, *hundredths: int) -> tuple[int, ...]:
        """Return the memory that was held at these parts of the time, the most when that is not known."""
        return tuple(self.resident[part - 1] if self.resident else self.memory for part in hundredths)


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for what is measured: a program that is installed has its bytecode."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | dict(more)


def run(command: Sequence[str], environment: Mapping[str, str], cores: str = "") -> tuple[Measured, str]:
    """Run a command, on these cores; returns what it cost and what it printed. Raises RuntimeError when it fails."""
    reading, writing = os.pipe()
    pinned = ["taskset", "--cpu-list", cores] if cores else []
    small = [*pinned, sys.executable, "-I", "-S", "-c", _PARENT.replace("os.write(3", f"os.write({writing}")]
    done = subprocess.run(
        [*small, *command], env=surroundings(environment), pass_fds=[writing], capture_output=True, check=False
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        facts = json.loads(stream.read() or b'{"status": "nothing"}')
    said = done.stdout.decode(errors="replace")
    if facts["status"] != 0:
        told = done.stderr.decode(errors="replace")[-800:]
        raise RuntimeError(f"{command[0]} ended with {facts['status']}: {told}")
    return Measured(facts["wall"], facts["user"], facts["system"], facts["memory"], tuple(facts["resident"])), said
