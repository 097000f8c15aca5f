"""What the front door refuses on purpose; both end with exit status 2."""


class ConfigError(Exception):
    """The configuration cannot be used; the message names file, table, key, value, consequence and remedy."""


class UsageError(Exception):
    """A command was asked for something that makes no sense; the message names the value and the remedy."""
