"""What every command needs: the options before the command, the configuration, and two consoles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from backfile import logs
from backfile.config import Config, load
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
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def config(self) -> Config:
        """Return the effective configuration. Raises ConfigError."""
        return load(self.config_path, archive=self.archive)

    def ready(self) -> tuple[Config, tuple[Site, ...]]:
        """Return the configuration and its sites, with logs set up. Raises ConfigError."""
        config = self.config()
        sites = sites_of(config)
        level = "error" if self.quiet else "debug" if self.verbose else config.settings.log.level
        form = self.log_format or config.settings.log.format
        secrets = (*secrets_of(sites), *webhook_secrets_of(config).values(), *proxy_secrets_of(config))
        logs.configure(level, form, secrets, self.err)
        return config, sites

    @property
    def show_progress(self) -> bool:
        """Whether bars may be drawn."""
        return self.err.is_terminal and not self.quiet and self.log_format != "json"
