"""Targets: what a URL of a newsroom stands for (contract 5). Pure.

A target's key is the same for every spelling of its URL: dated, short, by id, on any host of the site, with or
without slash and query. An article is keyed by its id only where the URL states it as an id; a slug that begins or
ends with digits names none.
"""

from crawler.targets.grammar import TargetKind
from crawler.targets.links import Ignored, Target, article_target, classify, listing_target, spellings
from crawler.targets.typed import parse_target

__all__ = [
    "Ignored",
    "Target",
    "TargetKind",
    "article_target",
    "classify",
    "listing_target",
    "parse_target",
    "spellings",
]
