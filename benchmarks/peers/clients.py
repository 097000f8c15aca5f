"""Who is compared: how each is started on the same work, and what tells that it has done it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_CONFIG = """
[archive]
path = "archive"
[crawl]
rate = {rate}
concurrency = {concurrency}
per_host_concurrency = {concurrency}
[[sites]]
name = "dm"
base_url = "{origin}"
hosts = []
api_url = "{origin}/cms"
api_key_env = "BACKFILE_DM_KEY"
timezone = "Africa/Johannesburg"
media_hosts = ["{host}"]
targets = ["dm:publication/1"]
"""


@dataclass(frozen=True, slots=True)
class Work:
    """One run's work: where the newsroom is, where to keep it, how; `urls` is a file with all of them."""

    origin: str
    folder: Path
    urls: Path
    peers: Path  # the interpreter that has the peers' packages
    rate: float = 0.0
    concurrency: int = 16

    @property
    def listing(self) -> str:
        """Return a list page's URL, without its number."""
        return f"{self.origin}/cms/publication/1/content?limit=100&page="


@dataclass(frozen=True, slots=True)
class Weight:
    """A number of bodies, and their bytes."""

    bodies: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Client:
    """One that is compared: `kept` weighs the bodies that it has put into a folder."""

    name: str
    about: str
    command: Callable[[Work], list[str]]
    kept: Callable[[Path], Weight]
    package: str = ""  # of the peers' interpreter
    program: str = ""  # of the system
    debian: str = ""  # the package that has the program
    only_pictures: bool = False  # are kept as files; articles are elsewhere

    def missing(self, packages: Iterable[str]) -> str:
        """Return what would have to be installed; '' when it can run."""
        if self.program and shutil.which(self.program) is None:
            return f"{self.program} is not installed (apt-get install {self.debian})"
        if self.package and self.package not in packages:
            return f"the Python package {self.package} is not installed"
        return ""


def version_of(program: str, option: str = "--version") -> str:
    """Return the first number that a program calls its version."""
    done = subprocess.run([program, option], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "?"


def backfile(work: Work) -> list[str]:
    """Return the command of a crawl of ours, with all that it does by default."""
    config = work.folder / "backfile.toml"
    host = work.origin.partition("://")[2]
    text = _CONFIG.format(origin=work.origin, host=host, rate=work.rate, concurrency=work.concurrency)
    config.write_text(text, encoding="utf-8")
    return [sys.executable, "-m", "backfile.cli", "--quiet", "--config", str(config), "crawl"]


def _aria2c(work: Work) -> list[str]:
    named = work.folder / "urls"  # by number: many share the last part of their path
    urls = work.urls.read_text(encoding="utf-8").split()
    named.write_text("".join(f"{url}\n  out={number}\n" for number, url in enumerate(urls)), encoding="utf-8")
    plain = ["--quiet", "--no-conf", "--file-allocation=none", "--deferred-input=true", "--max-download-result=0"]
    plain += ["--auto-save-interval=0"]  # no control file beside each download: half of its time went into them
    return ["aria2c", "-j16", "-x1", *plain, f"--dir={work.folder / 'files'}", f"--input-file={named}"]


def _wget2(work: Work) -> list[str]:
    where = [f"--directory-prefix={work.folder / 'files'}", f"--input-file={work.urls}", "--force-directories"]
    return ["wget2", "--quiet", "--max-threads=16", "--no-robots", "--no-config", *where]


def _script(name: str, *more: str) -> Callable[[Work], list[str]]:
    return lambda work: [str(work.peers), str(HERE / name), work.listing, str(work.folder), *more]


def weigh(folder: Path) -> Weight:
    """Return how many files there are below a folder, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Weight(len(sizes), sum(sizes))


def _files(folder: Path) -> Weight:
    return weigh(folder / "files")


def _captures(folder: Path) -> Weight:
    with contextlib.closing(sqlite3.connect(folder / "archive" / "archive.db")) as database:
        row = database.execute("SELECT count(*), sum(bytes) FROM captures WHERE http_status = 200").fetchone()
    return Weight(*row)


def _counted(folder: Path) -> Weight:
    return Weight(*json.loads((folder / "counted.json").read_text(encoding="ascii")))


CLIENTS = (
    Client("backfile", "everything it does by default", backfile, _captures),
    Client("bare aiohttp script", "sha256, rename, SQLite, frontier", _script("bare_script.py"), _files, "aiohttp"),
    Client("Scrapy", "FilesPipeline + SQLite", _script("with_scrapy.py"), _files, package="scrapy", only_pictures=True),
    Client(
        "crawlee",
        "impit, files + SQLite, queue on disk",
        _script("with_crawlee.py", "--lasting"),
        _files,
        package="crawlee",
    ),
    Client(
        "crawlee, in memory", "the same, queue lost at its end", _script("with_crawlee.py"), _files, package="crawlee"
    ),
    Client("aria2c", "-j16, files only", _aria2c, _files, program="aria2c", debian="aria2"),
    Client("wget2", "16 threads, files only", _wget2, _files, program="wget2", debian="wget2"),
    Client(
        "bare asyncio.Protocol",
        "keeps nothing",
        lambda work: [str(work.peers), str(HERE / "bare_protocol.py"), str(work.urls), str(work.folder)],
        _counted,
    ),
)
