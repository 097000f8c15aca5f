"""The front door: command line, configuration, exit codes."""
