"""What every command needs: the options before the command, the configuration, and two consoles."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from backfile import logs
from backfile.config import Config, load
from backfile.settings import Secret
from backfile.sites import proxy_secrets_of, secrets_of, sites_of, webhook_secrets_of
from crawler.sites import Site


@dataclass(slots=True)
class Context:
    """The options given before the command, and what follows from them."""

    config_path: Path | None = None
    archive: Path | None = None
    verbose: int = 0
    quiet: bool = False
    log_format: str = ""
    json_logs: bool = False  # as given or configured, once the configuration is read
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def config(self) -> Config:
        """Return the effective configuration, with logs as it wants them. Raises ConfigError."""
        config = load(self.config_path, archive=self.archive)
        self._log(config, ())
        return config

    def ready(self) -> tuple[Config, tuple[Site, ...]]:
        """Return the configuration and its sites, with secrets masked in logs. Raises ConfigError."""
        config = self.config()
        sites = sites_of(config)
        self._log(config, (*secrets_of(sites), *webhook_secrets_of(config).values(), *proxy_secrets_of(config)))
        return config, sites

    def tell(self, text: str, level: int = logging.ERROR) -> None:
        """Say on stderr, however quiet logs are, what whoever runs a command is to know in its end."""
        if not logs.as_objects(text, level):
            self.err.print(text, markup=False, soft_wrap=True)

    def _log(self, config: Config, secrets: Iterable[Secret]) -> None:
        level = "error" if self.quiet else "debug" if self.verbose else config.settings.log.level
        form = self.log_format or config.settings.log.format
        self.json_logs = form == "json"
        logs.configure(level, form, secrets, self.err)

    @property
    def show_progress(self) -> bool:
        """Whether bars may be drawn."""
        return self.err.is_terminal and not self.quiet and not self.json_logs
