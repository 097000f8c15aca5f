"""The program's first step: a Ctrl-C that comes while it is still being imported ends it as quietly as a later one."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command line."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # else whoever has started us wants it to be ignored
        signal.signal(signal.SIGINT, _leave)
    from backfile import cli

    cli.main(imported=lambda: signal.signal(signal.SIGINT, handler))


def _leave(number: int, _frame: object) -> None:
    os._exit(128 + number)  # nothing is open yet; an exception would meet whatever is half imported


if __name__ == "__main__":
    main()
