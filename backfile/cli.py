"""The command line: options, commands, and the one place where errors become exit statuses."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from backfile import logs, output
from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import MEANINGS, Exit, exit_of
from backfile.logs import Mask
from backfile.settings import Secret

_SECRETS = [
    Secret(value.strip()) for name, value in os.environ.items() if name.startswith("BACKFILE_") and "KEY" in name
]
_safe = Mask(_SECRETS)
_STATUSES = "\n\n".join(f"{int(status)}: {meaning}" for status, meaning in MEANINGS.items())
_HELP = """Keeps a newsroom's whole back file: every article, every revision, every rendition of every picture.

Start with `backfile demo`, which archives a simulated newsroom, or with

    backfile crawl https://www.dailymaverick.co.za/category/africa/
    backfile status
    backfile search "Ecowas -Mali"

TARGET is the address of an article, category, keyword or author of a configured site in any spelling (dated, undated,
by id, short, with a query string), or `site:id`, `site:category/SLUG`, `site:keyword/SLUG`, `site:author/SLUG`,
`site:publication/N`, or a site's front page. Nothing is ever fetched from a host that the configuration does not name.
"""

_MODULES = {  # the module of backfile.commands where each command is a function of its name
    "crawl": "crawl", "nightly": "nightly", "status": "look", "report": "report", "audit": "audit", "search": "look",
    "show": "look", "why": "why", "listen": "listen", "browse": "browse", "export": "export", "verify": "repair",
    "reparse": "repair", "backup": "keep", "merge": "keep", "demo": "demo", "simulate": "simulate",
}  # fmt: skip
# Objects more than before, ten times the usual: what is loaded stays, and of the rest little is left.
_COLLECT_AFTER = 7_000
_CONFIG = "config"  # a group, with commands of its own


def application(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command line with the commands that `words` name, or with all of them.

    To import what one command needs takes a fraction of the time that all of them need.
    """
    app = typer.Typer(
        name="backfile",
        help=_HELP,
        epilog=f"**Exit status**\n\n{_STATUSES}",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    known = (*_MODULES, _CONFIG)
    for name in [name for name in known if name in words] or known:
        module = import_module(f"backfile.commands.{_MODULES.get(name, 'configuration')}")
        if name == _CONFIG:
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        metadata = import_module("importlib.metadata")
        typer.echo(f"backfile {metadata.version('backfile')}")
        raise typer.Exit


def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Default: ./config.toml, the user's, the presets."),
    ] = None,
    archive: Annotated[Path | None, typer.Option(metavar="DIR", help="The archive; default: as configured.")] = None,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="Say more, on stderr.")] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say only what went wrong.")] = False,
    log_format: Annotated[str, typer.Option(metavar="text|json", help="How to write logs, on stderr.")] = "",
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Take the options that come before a command."""
    del version
    if log_format not in ("", "text", "json"):
        raise UsageError(f"--log-format {log_format!r} is neither text nor json")
    context.obj = Context(config, archive, verbose, quiet, log_format)


def main(imported: Callable[[], object] = lambda: None) -> None:
    """Run the command line and leave with the promised exit status.

    `imported` is called when the command that was named is imported and can be interrupted.
    """
    gc.set_threshold(_COLLECT_AFTER)
    output.prepare()
    if _wants_json_logs():  # for what is wrong before the configuration is read
        logs.configure("warning", "json", _SECRETS, Console(stderr=True))
    status = _run(imported)
    output.finish()
    sys.exit(status)


def _run(imported: Callable[[], object]) -> int:
    try:
        command_line = application(sys.argv[1:])
        imported()
        result = command_line(standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        _show_usage(error)
        return Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        _say("stopped")
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a user never sees a traceback unasked
        return _explain(error)
    return int(result) if isinstance(result, int) else 0


def _wants_json_logs() -> bool:
    words = sys.argv[1:]
    given = [word.partition("=")[2] for word in words if word.startswith("--log-format=")]
    given += [value for word, value in pairwise(words) if word == "--log-format"]
    return (given or [os.environ.get("BACKFILE_LOG_FORMAT", "")])[-1] == "json"


def _show_usage(error: typer.TyperException) -> None:
    show = getattr(error, "show", None)  # usage, the mistake, and where help is
    if logs.as_objects(error.format_message()):
        return
    if callable(show):
        show()
    else:
        _say(str(error))


def _explain(error: Exception) -> int:
    """Say in a sentence what a user has caused; keep the traceback, for -v, of what only we can have caused."""
    status = exit_of(error)
    if status is None:
        where = error if "-v" in sys.argv or "--verbose" in sys.argv else None
        _say(f"an unforeseen error, {type(error).__name__}: {error}. Nothing kept is lost; -v says where it was", where)
        return Exit.INCOMPLETE
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    _say(str(error))
    return status


def _say(message: str, where: Exception | None = None) -> None:
    """Say a sentence on stderr, after where an error has come from."""
    if logs.as_objects(_safe(message), error=where):
        return
    if where is not None:
        sys.stderr.writelines(_safe(line) for line in traceback.format_exception(where))
    print(f"backfile: {_safe(message)}", file=sys.stderr)


if __name__ == "__main__":
    main()
