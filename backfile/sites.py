"""From `[[sites]]` blocks to the crawler's sites, checked: addresses, hosts, zones, keys."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from backfile.config import Config
from backfile.errors import ConfigError
from backfile.settings import Secret, SiteTable
from backfile.values import is_address
from crawler.errors import TargetError
from crawler.sites import Site, host_of
from crawler.targets import Target, parse_target

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")


def sites_of(config: Config, environment: Mapping[str, str] = os.environ) -> tuple[Site, ...]:
    """Return the configured sites with their keys. Raises ConfigError."""
    sites = tuple(_site(block, config.source, environment) for block in config.settings.sites)
    _distinct(sites, config.source)
    return sites


def secrets_of(sites: Iterable[Site]) -> tuple[Secret, ...]:
    """Return every key in use, so that logs can mask them."""
    values = {key for site in sites for key in (site.api_key, site.classic_key) if key}
    return tuple(Secret(value) for value in sorted(values))


def proxy_secrets_of(config: Config) -> tuple[Secret, ...]:
    """Return the password that the configured proxy asks for, as it is and as it is spelt in the URL."""
    spelt = urlsplit(config.settings.network.proxy).password or ""
    return tuple(Secret(value) for value in dict.fromkeys((spelt, unquote(spelt))) if value)


def webhook_secrets_of(config: Config, environment: Mapping[str, str] = os.environ) -> dict[str, Secret]:
    """Return the secrets with which sites sign their webhooks, by site; none of those without. Raises ConfigError."""
    found = {block.name: _webhook_secret(block, config.source, environment) for block in config.settings.sites}
    return {site: Secret(secret) for site, secret in found.items() if secret}


def _webhook_secret(block: SiteTable, source: str, environment: Mapping[str, str]) -> str:
    where = f"{source}: [[sites]] {block.name} webhook_secret_file"
    return _kept(block.webhook_secret_env, block.webhook_secret_file, environment, where)


def configured_targets(config: Config, sites: Sequence[Site]) -> tuple[Target, ...]:
    """Return the targets that the configuration names. Raises ConfigError."""
    return tuple(_target(text, site, config.source, sites) for site in sites for text in site.targets)


def _target(text: str, site: Site, source: str, sites: Sequence[Site]) -> Target:
    try:
        return parse_target(text, sites)
    except TargetError as error:
        raise ConfigError(f"{source}: [[sites]] {site.name} targets: {error}") from error


def _site(block: SiteTable, source: str, environment: Mapping[str, str]) -> Site:
    where = f"{source}: [[sites]] {block.name or '(without a name)'}"
    if not _NAME.fullmatch(block.name):
        raise ConfigError(f'{where} name is {block.name!r}, but must be a short lower-case word such as "dm"')
    for key in ("base_url", "api_url", "classic_url"):
        _check_url(getattr(block, key), f"{where} {key}", required=key == "base_url")
    try:
        ZoneInfo(block.timezone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f'{where} timezone is {block.timezone!r}, which is no zone, so times would be wrong. "Asia/Beirut" is one'
        ) from error
    api_key = _key(block.api_key_env, block.api_key_file, environment, f"{where} api_key")
    return Site(
        name=block.name,
        base_url=block.base_url.rstrip("/"),
        hosts=_hosts(block.hosts, f"{where} hosts"),
        api_url=block.api_url.rstrip("/"),
        classic_url=block.classic_url.rstrip("/"),
        api_key=api_key,
        classic_key=_key(block.classic_key_env, "", environment, f"{where} classic_key")
        if block.classic_key_env
        else api_key,
        timezone=block.timezone,
        media_hosts=_hosts(block.media_hosts, f"{where} media_hosts"),
        targets=block.targets,
        page_param=block.page_param,
    )


def _check_url(url: str, where: str, *, required: bool) -> None:
    if not url and not required:
        return
    if not is_address(url) or "@" in url:
        raise ConfigError(f"{where} is {url!r}, but must be an address such as https://www.example.org")


def _hosts(entries: tuple[str, ...], where: str) -> tuple[str, ...]:
    hosts = []
    for entry in entries:
        if not is_address(f"https://{entry}") or "/" in entry or "@" in entry:
            raise ConfigError(
                f"{where} names {entry!r}, but must hold host names such as cdn.example.org, without https://"
            )
        hosts.append(host_of(f"https://{entry}"))
        if entry.endswith((":80", ":443")):
            hosts.append(entry.rpartition(":")[0].lower())
    return tuple(dict.fromkeys(hosts))


def _key(variable: str, file: str, environment: Mapping[str, str], where: str) -> str:
    """Return a key as `_kept` does, fit for a header. Raises ConfigError, which does not show it."""
    key = _kept(variable, file, environment, f"{where}_file")
    for place, character in enumerate(key, 1):
        if not " " <= character <= "~":
            origin = f"_env: the key in {variable}" if environment.get(variable, "").strip() else f"_file: {file!r}"
            what = "a line break" if character in "\r\n" else f"U+{ord(character):04X}"
            raise ConfigError(
                f"{where}{origin} holds {what} as character {place} of {len(key)}, which no header can carry, so every "
                "request would fail. Copy the key anew: it is one line of plain letters, digits and signs"
            )
    return key


def _kept(variable: str, file: str, environment: Mapping[str, str], where: str) -> str:
    """Return a secret from the environment, else from a private file; '' when there is none. Raises ConfigError.

    A variable that is blank is as good as none, as with any program; a file that is blank has been forgotten.
    """
    if found := environment.get(variable, "").strip():
        return found
    if not file:
        return ""
    path = Path(file).expanduser()
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{where} {str(path)!r} cannot be read ({error}). Correct the path, or leave it out"
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(
            f"{where} {str(path)!r} can be read by others (mode {stat.S_IMODE(mode):04o}), so the key is no secret. "
            f"Run: chmod 600 {path}"
        )
    if not text:
        raise ConfigError(
            f"{where} {str(path)!r} is empty, so there would be no key. Write it there, or leave this out"
        )
    return text


def _distinct(sites: Iterable[Site], source: str) -> None:
    names: set[str] = set()
    hosts: dict[str, str] = {}
    for site in sites:
        if site.name in names:
            raise ConfigError(
                f"{source}: two [[sites]] are named {site.name!r}; their articles would be mixed up. Rename one"
            )
        names.add(site.name)
        for host in site.page_hosts:
            if host in hosts:
                raise ConfigError(
                    f"{source}: [[sites]] {hosts[host]} and {site.name} both claim the host {host!r}; an address there "
                    "would belong to both. Remove it from one"
                )
            hosts[host] = site.name
