"""Who may import whom. The rooms of the house stay apart, and nothing goes round in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Which of our packages each of them may import.
NEIGHBOURS: dict[str, frozenset[str]] = {
    "backfile": frozenset({"crawler", "reader", "simulator", "storage"}),
    "crawler": frozenset({"storage"}),
    "reader": frozenset({"storage"}),
    "simulator": frozenset(),  # a client tested by its own code proves nothing
    "storage": frozenset(),
}

# What each of them leaves to the others.
STRANGERS: dict[str, frozenset[str]] = {
    "crawler": frozenset({"aiosqlite", "sqlite3"}),
    "reader": frozenset(
        {"aiohttp.ClientSession", "aiohttp.request", "aiosqlite", "http.client", "socket", "sqlite3", "urllib.request"}
    ),
    "storage": frozenset({"aiohttp", "html", "http", "selectolax", "socket", "urllib.request"}),
}

# The crawler's and the reader's decisions: values in, values out. A package in the list stands for all its modules.
PURE = (
    "crawler.cms",
    "crawler.errors",
    "crawler.html",
    "crawler.blockpages",
    "crawler.decoding",
    "crawler.drift",
    "crawler.masking",
    "crawler.nights",
    "crawler.paging",
    "crawler.pictures",
    "crawler.pace",
    "crawler.politeness",
    "crawler.retry",
    "crawler.robots",
    "crawler.schedule",
    "crawler.signals",
    "crawler.sites",
    "crawler.statuses",
    "crawler.targets",
    "crawler.trail",
    "crawler.urls",
    "crawler.walk",
    "crawler.webhooks",
    "reader.address",
    "reader.body",
    "reader.compare",
    "reader.dates",
    "reader.embeds",
    "reader.export.names",
    "reader.fields",
    "reader.figures",
    "reader.links",
    "reader.pictures",
    "reader.query",
    "reader.sanitize",
    "reader.story",
    "reader.versions",
)
INPUT_OUTPUT = frozenset(
    {"aiohttp", "aiosqlite", "asyncio", "http", "os", "pathlib", "socket", "sqlite3", "ssl", "urllib.request"}
)
VOCABULARY = frozenset(
    {"storage.errors", "storage.histories", "storage.records"}
)  # storage's bottom, and what pure modules may say of it
CONNECTING = frozenset({"aiohttp", "http.client", "socket", "urllib.request"})
DOOR = frozenset(  # three ask and receive, one says where connections may lead, one what it means that they fail
    {"crawler.bodies", "crawler.fetch", "crawler.foreign", "crawler.network", "crawler.wire"}
)


@dataclass(frozen=True, slots=True)
class Import:
    """One module named by another; `eager` when it is imported with it, not later or only by the type checker."""

    importer: str
    name: str
    line: int
    eager: bool

    def __str__(self) -> str:
        return f"{self.importer} line {self.line}: imports {self.name}"


@dataclass(frozen=True, slots=True, repr=False)
class House:
    """Our modules, and everything that they import."""

    modules: frozenset[str]
    imports: tuple[Import, ...]

    def ours(self, name: str) -> str | None:
        """Return which of our modules an imported name is, or is in."""
        while name:
            if name in self.modules:
                return name
            name = name.rpartition(".")[0]
        return None


def survey(root: Path) -> House:
    """Read every module of ours under `root`; a package that is not there yet has none."""
    files = {module_name(path, root): path for package in NEIGHBOURS for path in (root / package).rglob("*.py")}
    found = [
        one
        for module, path in files.items()
        for one in imports_of(module, path.name == "__init__.py", ast.parse(path.read_text("utf-8"), str(path)))
    ]
    return House(frozenset(files), tuple(found))


def module_name(path: Path, root: Path) -> str:
    """Return the dotted name of the module in `path`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(module: str, is_package: bool, tree: ast.Module) -> Iterator[Import]:
    """Yield what `module` imports, wherever in it."""
    eager = set(eager_statements(tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, node in eager)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, is_package, node)
            for alias in node.names:
                yield Import(module, f"{base}.{alias.name}", node.lineno, node in eager)


def eager_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when the module is imported."""
    for node in body:
        yield node
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from eager_statements(node.orelse)
            case ast.If():
                yield from eager_statements(node.body + node.orelse)
            case ast.Try():
                yield from eager_statements(node.body + node.orelse + node.finalbody)
                for handler in node.handlers:
                    yield from eager_statements(handler.body)
            case ast.With() | ast.ClassDef():
                yield from eager_statements(node.body)


def absolute(module: str, is_package: bool, node: ast.ImportFrom) -> str:
    """Return the full name of the module that a `from … import` starts from."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


def within(name: str, modules: frozenset[str] | tuple[str, ...]) -> bool:
    """Say whether `name` is one of `modules` or something in one of them."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def room(name: str) -> str:
    """Return the package that a dotted name starts with."""
    return name.partition(".")[0]


def forbidden_neighbours(house: House) -> list[str]:
    """List the imports of a package by one that may not know it."""
    return [
        str(one)
        for one in house.imports
        if room(one.name) in NEIGHBOURS and room(one.name) not in NEIGHBOURS[room(one.importer)] | {room(one.importer)}
    ]


def strangers(house: House) -> list[str]:
    """List the imports of a library by a package that leaves its matter to others."""
    return [str(one) for one in house.imports if within(one.name, STRANGERS.get(room(one.importer), frozenset()))]


def impurities(house: House) -> list[str]:
    """List what pure modules import that does, or could lead to, input and output."""
    return [
        str(one)
        for one in house.imports
        if within(one.importer, PURE)
        and (
            within(one.name, INPUT_OUTPUT)
            or (room(one.name) in ("crawler", "reader") and not within(one.name, PURE) and one.name != room(one.name))
            or (room(one.name) == "storage" and house.ours(one.name) not in VOCABULARY)
        )
    ]


def foundations(house: House) -> list[str]:
    """List what storage's records and errors rest on, other than each other and what is pure."""
    return [
        str(one)
        for one in house.imports
        if one.importer in VOCABULARY
        and (within(one.name, INPUT_OUTPUT) or (room(one.name) == "storage" and house.ours(one.name) not in VOCABULARY))
    ]


def side_doors(house: House) -> list[str]:
    """List what could open a connection in the crawler beside its one door."""
    return [
        str(one)
        for one in house.imports
        if room(one.importer) == "crawler" and one.importer not in DOOR and within(one.name, CONNECTING)
    ]


def cycle(house: House) -> list[str]:
    """Return a circle of modules that import each other when they are imported, or nothing."""
    graph: dict[str, set[str]] = {module: set() for module in house.modules}
    for one in house.imports:
        target = house.ours(one.name)
        if one.eager and target and target != one.importer:
            graph[one.importer].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


@pytest.fixture(scope="module")
def house() -> House:
    return survey(ROOT)


def test_a_package_imports_only_its_neighbours(house: House) -> None:
    """Knowledge flows one way: backfile → crawler, reader, simulator, storage; crawler → storage ← reader."""
    assert forbidden_neighbours(house) == []


def test_a_package_leaves_to_others_what_is_theirs(house: House) -> None:
    """The crawler and the reader know no SQL, the storage no HTTP and no HTML; the reader asks nobody."""
    assert strangers(house) == []


def test_decisions_do_no_input_or_output(house: House) -> None:
    """The pure modules reach neither network nor disk nor clock loop, not even through another module."""
    assert impurities(house) == []


def test_records_and_errors_are_at_the_bottom(house: House) -> None:
    """The storage's vocabulary rests on nothing but itself."""
    assert foundations(house) == []


def test_the_crawler_has_one_door_to_the_network(house: House) -> None:
    """Whatever is fetched passes the one place where addresses are checked and foreign errors translated."""
    assert side_doors(house) == []


def test_no_module_imports_itself_by_a_detour(house: House) -> None:
    """Modules form no circle when they are imported."""
    assert cycle(house) == []


def build(root: Path, **sources: str) -> House:
    """Survey a house of these modules; `__` in a name stands for a dot."""
    for name, source in sources.items():
        path = root.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return survey(root)


@pytest.mark.parametrize(
    "source",
    [
        "import crawler.fetch",
        "from crawler import fetch",
        "from ..crawler.fetch import get",
        "def later():\n    from crawler.fetch import get",
        "if TYPE_CHECKING:\n    from crawler.fetch import get",
    ],
)
def test_a_forbidden_neighbour_is_seen_however_it_is_imported(tmp_path: Path, source: str) -> None:
    """An import late, relative or for the type checker only is knowledge all the same."""
    assert len(forbidden_neighbours(build(tmp_path, reader__app=source, crawler__fetch=""))) == 1


def test_a_stranger_is_seen(tmp_path: Path) -> None:
    """SQL in the crawler and HTML in the storage are found."""
    house = build(tmp_path, crawler__run="import sqlite3", storage__search="from selectolax.lexbor import LexborNode")
    assert len(strangers(house)) == 2


def test_a_side_door_is_seen(tmp_path: Path) -> None:
    """A second module that could open connections is found; the door itself is not."""
    house = build(tmp_path, crawler__run="from urllib import request", crawler__fetch="import aiohttp")
    assert len(side_doors(house)) == 1


@pytest.mark.parametrize(
    "source",
    ["import os.path", "from pathlib import Path", "from crawler import fetch", "from storage.store import Store"],
)
def test_an_impurity_is_seen(tmp_path: Path, source: str) -> None:
    """A pure module is found out whether it does input and output itself or asks another module to."""
    house = build(tmp_path, crawler__cms__pages=source, crawler__fetch="", storage__store="")
    assert len(impurities(house)) == 1


def test_pure_modules_may_use_each_other_and_the_vocabulary(tmp_path: Path) -> None:
    """What is pure is not reported."""
    source = "from crawler.urls import canonical\nfrom storage.records import Kind\nfrom urllib.parse import urlsplit"
    assert impurities(build(tmp_path, crawler__targets=source, crawler__urls="", storage__records="")) == []


def test_a_circle_is_seen(tmp_path: Path) -> None:
    """Two modules that import each other are named."""
    house = build(tmp_path, storage__a="from storage import b", storage__b="from storage.a import c")
    assert {"storage.a", "storage.b"} <= set(cycle(house))


def test_an_import_that_waits_closes_no_circle(tmp_path: Path) -> None:
    """An import inside a function, or for the type checker only, does not run at import time."""
    lazy = "def later():\n    import storage.b\nif TYPE_CHECKING:\n    from storage.b import c"
    assert cycle(build(tmp_path, storage__a=lazy, storage__b="import storage.a")) == []
