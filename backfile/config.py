"""Reading the configuration: file, then environment, then flags; every mistake is named with its remedy."""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from backfile.errors import ConfigError
from backfile.settings import Settings, SiteTable

T = TypeVar("T")
_PREFIX = "BACKFILE_"
_SECRETS = ("api_key", "classic_key", "webhook_secret")
_OF_SITES = ("_KEY", "_HOOK", "_SECRET")  # how the pages and presets name variables with the secrets of sites
_TABLES = tuple(field.name for field in fields(Settings))
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", tuple: "a list of texts"}


@dataclass(frozen=True, slots=True)
class Config:
    """The effective configuration and where it came from."""

    settings: Settings
    source: str
    archive: Path


def load(path: Path | None, *, archive: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the effective configuration. Raises ConfigError.

    Without a path: `./config.toml`, then the user's, then the presets that come with the program. An archive path in
    a file is relative to the file; one given by flag or environment is relative to the current folder.
    """
    found = path if path is not None else _find(environment)
    source = str(found) if found is not None else "built-in presets"
    text = _read(found) if found is not None else preset()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{source} is not valid TOML: {error}. Correct it, or name another file with --config"
        ) from error
    settings = _settings(document, source)
    home = found.parent if found is not None else Path()
    where = archive or environment.get(_variable("archive", "path"), "") or home / settings.archive.path
    settings = _overridden(settings, environment)
    _check_variables(settings, environment)
    return Config(settings, source, Path(where).expanduser())


def preset() -> str:
    """Return the default configuration that comes with the program, as TOML."""
    packaged = resources.files("backfile").joinpath("config.toml")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parent.parent / "config.toml").read_text(encoding="utf-8")  # in a checkout


def _find(environment: Mapping[str, str]) -> Path | None:
    home = environment.get("XDG_CONFIG_HOME") or (f"{environment['HOME']}/.config" if environment.get("HOME") else "")
    candidates = [Path("config.toml"), *([Path(home) / "backfile" / "config.toml"] if home else [])]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration {path}: {error.strerror}. Name a file with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the configuration {path} is not UTF-8 text. Save it as UTF-8") from error


def _settings(document: Mapping[str, Any], source: str) -> Settings:
    _known(document, _TABLES, source, "table")
    tables: dict[str, Any] = {}
    for table in _TABLES:
        value = document.get(table)
        default = getattr(Settings(), table)
        if table == "sites":
            tables[table] = tuple(
                _table(SiteTable(), block, source, f"[[sites]] number {number}")
                for number, block in enumerate(_blocks(value, source), 1)
            )
        elif value is not None:
            tables[table] = _table(default, value, source, f"[{table}]")
    return Settings(**tables)


def _blocks(value: Any, source: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ConfigError(f"{source}: sites must be written as [[sites]] blocks, with two brackets on each side")
    return value


def _table(default: T, value: Any, source: str, where: str) -> T:
    if not isinstance(value, dict):
        raise ConfigError(f"{source}: {where} is {value!r}, not a table. Write it as a heading with keys below it")
    known = {field.name: field for field in fields(default)}  # type: ignore[arg-type]
    _known(value, known, source, f"key in {where}")
    return replace(
        default,
        **{  # type: ignore[type-var]
            key: checked(known[key], type(default), given, f"{source}: {where} {key}") for key, given in value.items()
        },
    )


def _known(given: Iterable[str], known: Iterable[str], source: str, what: str) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}."
            raise ConfigError(f"{source}: {name!r} is no {what}, so it would have no effect; {hint}")


def checked(field: Field[Any], table: type, value: Any, where: str) -> Any:
    """Return a value as its field's type, within its range. Raises ConfigError."""
    kind = get_type_hints(table)[field.name]
    base = tuple if getattr(kind, "__origin__", None) is tuple else kind
    if base is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if base is tuple and isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        value = tuple(value)
    if not isinstance(value, base) or (base is int and isinstance(value, bool)):
        raise ConfigError(f"{where} is {value!r}, but must be {_KINDS[base]}")
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if isinstance(value, (int, float)) and not (
        math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)
    ):
        bounds = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise ConfigError(f"{where} is {value!r}, but must be {bounds}")
    if value and (check := field.metadata.get("check")):
        try:
            check(value)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from error
    choices = field.metadata.get("choices")
    if choices and value not in choices:
        raise ConfigError(f"{where} is {value!r}, but must be one of {', '.join(choices)}")
    return value


def _check_variables(settings: Settings, environment: Mapping[str, str]) -> None:
    """Refuse a variable that nothing reads, and that is named like one that is read. Raises ConfigError.

    The secrets of other configurations' sites may be in the same environment, under names that our pages suggest; and
    so may what scripts around us call their own.
    """
    tables = {table: getattr(settings, table) for table in _TABLES if table != "sites"}
    known = {_variable(table, field.name) for table, value in tables.items() for field in fields(value)}
    known |= {getattr(site, f"{name}_env") for site in settings.sites for name in _SECRETS}
    named = {name.removeprefix(_PREFIX): name for name in sorted(known) if name.startswith(_PREFIX)}
    for name in sorted(set(environment) - known):
        if not name.startswith(_PREFIX) or name.endswith(_OF_SITES):
            continue
        rest = name.removeprefix(_PREFIX)
        near = difflib.get_close_matches(rest, named, 1, 0.7)
        if near or f"{rest}_".lower().startswith(tuple(f"{table}_" for table in tables)):
            hint = named[near[0]] if near else f"{_variable('<table>', '<key>')}, or the api_key_env of a site"
            raise ConfigError(
                f"the environment variable {name} is no key of the configuration and no secret of a site, so it would "
                f"have no effect; did you mean {hint}? Else unset it"
            )


def _variable(table: str, key: str) -> str:
    return f"{_PREFIX}{table}_{key}".upper()


def _overridden(settings: Settings, environment: Mapping[str, str]) -> Settings:
    """Apply `BACKFILE_<TABLE>_<KEY>`; lists are separated by commas."""
    for table in _TABLES:
        if table == "sites":
            continue
        current = getattr(settings, table)
        changes = {}
        for field in fields(current):
            name = _variable(table, field.name)
            if name in environment:
                value = _typed(field, type(current), environment[name])
                changes[field.name] = checked(field, type(current), value, f"environment variable {name}")
        settings = replace(settings, **{table: replace(current, **changes)})
    return settings


def _typed(field: Field[Any], table: type, text: str) -> Any:
    kind = get_type_hints(table)[field.name]
    if kind is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return text if kind is str else [part.strip() for part in text.split(",") if part.strip()]
