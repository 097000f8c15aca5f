"""`config check` and `config show`."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import typer

from backfile.config import Config
from backfile.context import Context
from backfile.sites import configured_targets, sites_of, webhook_secrets_of
from backfile.values import without_credentials
from crawler.sites import Site

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
    configured_targets(config, sites)
    _check_operations(config)
    own.out.print(f"configuration: {config.source}", markup=False)
    own.out.print(f"archive: {config.archive}", markup=False)
    for site, block in zip(sites, config.settings.sites, strict=True):
        own.out.print(f"{site.name}: {site.base_url}, {_ways(site, block.api_key_env)}, {_count(site)}", markup=False)
    if not sites:
        own.out.print("no sites: nothing can be crawled until a [[sites]] block is added", markup=False)
    own.out.print("valid", markup=False)
    return 0


def _check_operations(config: Config) -> None:
    """Refuse what only commands that go to the network would stumble over. Raises ConfigError."""
    from backfile import crawling  # aiohttp takes a third of a second to import

    crawling.settings_of(config)
    webhook_secrets_of(config)


def _ways(site: Site, variable: str) -> str:
    if site.api_url and site.api_key:
        return "by the API with a key"
    lacking = f"no key in {variable}" if variable else "no key"
    return f"by public pages ({lacking if site.api_url else 'no api_url'})"


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
                shown = without_credentials(shown) if key.name == "proxy" else shown
                shown = _PATH.sub(r"\1********", shown) if key.name == "ping_url" else shown
                lines.append(f"{key.name} = {_toml(shown)}")
            if table.name == "sites" and keys.get(block.name):
                lines.append("# its key is set: ********")
    return lines


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    return json.dumps(value, ensure_ascii=False)
