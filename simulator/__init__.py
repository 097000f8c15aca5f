"""A newsroom in a box: a CMS with its public site, its APIs and its pictures, on loopback."""

from simulator.options import Options
from simulator.server import Newsroom

__all__ = ["Newsroom", "Options"]
