"""`config check` and `config show`."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import typer

from backfile.config import Config
from backfile.context import Context
from backfile.metrics import metrics_file
from backfile.sites import sites_of, webhook_secrets_of
from crawler.sites import Site
from crawler.targets import parse_target

_PASSWORD = re.compile(r"//[^@/]*@")
_PATH = re.compile(r"(//[^/]*/).+")  # who knows a health check's address can speak for us

app = typer.Typer(no_args_is_help=True, help="Validate or print the effective configuration, secrets masked.")


@app.command("check")
def check(context: typer.Context) -> int:
    """Read the configuration as every command would, and say what it allows.

    Exit status 2, and a sentence naming file, table, key, value and remedy, when it cannot be used.
    """
    own: Context = context.obj
    config = own.config()
    sites = sites_of(config)
    _check_operations(config)
    own.out.print(f"configuration: {config.source}", markup=False)
    own.out.print(f"archive: {config.archive}", markup=False)
    for site in sites:
        for target in site.targets:
            parse_target(target, sites)
        own.out.print(f"{site.name}: {site.base_url}, {_ways(site)}, {_count(site)}", markup=False)
    if not sites:
        own.out.print("no sites: nothing can be crawled until a [[sites]] block is added", markup=False)
    own.out.print("valid", markup=False)
    return 0


def _check_operations(config: Config) -> None:
    """Refuse what only a night, or `listen`, would stumble over. Raises ConfigError."""
    from backfile import crawling, health  # aiohttp takes a third of a second to import

    health.monitor_of(config, crawling.settings_of(config).fetch)
    metrics_file(config)
    webhook_secrets_of(config)


def _ways(site: Site) -> str:
    if site.api_url and site.api_key:
        return "by the API with a key"
    return "by public pages (no key)" if site.api_url else "by public pages (no api_url)"


def _count(site: Site) -> str:
    number = len(site.targets)
    return f"{number or 'no'} target{'' if number == 1 else 's'}"


@app.command("show")
def show(context: typer.Context) -> int:
    """Print the effective configuration as TOML: file, environment and flags together, keys masked."""
    own: Context = context.obj
    config = own.config()
    keys = {site.name: bool(site.api_key) for site in sites_of(config)}
    own.out.print("\n".join(_lines(config, keys)), markup=False)
    return 0


def _lines(config: Config, keys: dict[str, bool]) -> list[str]:
    lines = [f"# {config.source}"]
    for table in fields(config.settings):
        value = getattr(config.settings, table.name)
        blocks = value if table.name == "sites" else (value,)
        for block in blocks:
            lines += ["", f"[[{table.name}]]" if table.name == "sites" else f"[{table.name}]"]
            for key in fields(block):
                shown = (
                    str(config.archive) if (table.name, key.name) == ("archive", "path") else getattr(block, key.name)
                )
                shown = _PASSWORD.sub("//********@", shown) if key.name == "proxy" else shown
                shown = _PATH.sub(r"\1********", shown) if key.name == "ping_url" else shown
                lines.append(f"{key.name} = {_toml(shown)}")
            if table.name == "sites" and keys.get(block.name):
                lines.append("# its key is set: ********")
    return lines


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    return json.dumps(value, ensure_ascii=False)
