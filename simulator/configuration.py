"""The config.toml that points a client at the newsroom as it was started."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Site:
    """What a client has to know about the newsroom."""

    name: str
    base_url: str
    hosts: tuple[str, ...]
    api_url: str
    classic_url: str
    key_env: str
    key: str
    timezone: str
    media_hosts: tuple[str, ...]
    page_param: str
    targets: tuple[str, ...]
    connect_to: tuple[str, ...]
    ca_file: Path | None


def text(value: str) -> str:
    """Return a TOML basic string: JSON's escapes are a subset of TOML's, except for the delete character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def texts(values: Iterable[str]) -> str:
    """Return a TOML list of strings."""
    return f"[{', '.join(text(value) for value in values)}]"


def _table(heading: str, values: Mapping[str, str]) -> str:
    return "\n".join([heading, *(f"{key} = {value}" for key, value in values.items())]) + "\n"


def toml(site: Site, archive: str) -> str:
    """Return the whole configuration file."""
    network = {"connect_to": texts(site.connect_to)} if site.connect_to else {}
    network |= {"ca_file": text(str(site.ca_file))} if site.ca_file else {}
    crawl = {"rate": "0.0", "concurrency": "16", "per_host_concurrency": "8"}
    facts = {
        "name": text(site.name),
        "base_url": text(site.base_url),
        "hosts": texts(site.hosts),
        "api_url": text(site.api_url),
        "classic_url": text(site.classic_url),
        "api_key_env": text(site.key_env),
        "timezone": text(site.timezone),
        "media_hosts": texts(site.media_hosts),
        "page_param": text(site.page_param),
        "targets": texts(site.targets),
    }
    parts = [
        f"# A newsroom in a box. To use its API:\n# export {site.key_env}={site.key}\n",
        _table("[archive]", {"path": text(archive)}),
        _table("[crawl]", crawl),
        _table("[network]", network) if network else "",
        _table("[[sites]]", facts),
    ]
    return "\n".join(part for part in parts if part)
