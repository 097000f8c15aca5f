"""The report as a page: one file that needs nothing else, with no scripts, for a browser without a network.

Whatever it shows came from a newsroom and may be hostile: the templates escape it all, and the page's own policy
lets nothing run or load, whatever slipped through.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader
from markupsafe import Markup

from backfile.reporting import passages, plots, thumbnails, words
from backfile.reporting.facts import Report, Story
from backfile.reporting.thumbnails import Thumbnail
from reader import templating
from storage.reading import Reading

_PICTURED = 60  # articles with a thumbnail
_EXCHANGED = 20  # pictures that are shown as they were and as they are
_STYLES = (("reader", "static/reader.css"), ("reader", "static/pages.css"), ("backfile.reporting", "report.css"))
# No control or lone surrogate, nor what is no character at all: HTML allows none of them.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The thumbnails of a page: of articles by site and id, of files by SHA-256."""

    articles: Mapping[tuple[str, str], Thumbnail]
    files: Mapping[str, Thumbnail | None]

    def of(self, story: Story) -> Thumbnail | None:
        """Return the thumbnail that stands for an article."""
        return self.articles.get((story.site, story.id))


def render(reading: Reading, report: Report) -> str:
    """Return the page of a run."""
    style = _style()
    template = _environment().get_template("report.html")
    return template.render(
        report=report,
        run=report.run,
        pictures=_pictures(reading, report),
        traffic_plots=plots.of_traffic(report.traffic),
        growth_plots=plots.of_growth(report.growth),
        style=Markup(style),  # noqa: S704 - our own files
        policy=f"default-src 'none'; style-src '{_digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'",
    )


def _environment() -> Environment:
    """Return the reading room's templates with those of the report before them."""
    made = templating.environment().overlay(
        loader=ChoiceLoader([PackageLoader("backfile.reporting"), PackageLoader("reader")]), finalize=_fit
    )
    made.globals["words"] = words
    made.filters["passages"] = passages.passages
    made.filters["details"] = passages.details
    made.filters["line"] = passages.line
    made.filters["moment"] = words.moment
    made.filters["latency"] = words.latency
    return made


def _fit(value: object) -> object:
    """Return text without what HTML may not hold; markup of the templates' own has been through here already."""
    return _UNFIT.sub("\ufffd", value) if type(value) is str else value


def _style() -> str:
    return "\n".join(resources.files(package).joinpath(name).read_text("utf-8") for package, name in _STYLES)


def _digest(style: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode('ascii')}"


def _pictures(reading: Reading, report: Report) -> Pictures:
    rows = {reading.find_article(story.site, story.id): story for story in report.new.shown[:_PICTURED]}
    made = thumbnails.leading(reading, [row for row in rows if row is not None])
    exchanged = report.pictures_replaced.shown[:_EXCHANGED]
    hashes = {sha256 for one in exchanged for sha256 in (one.old_sha256, one.new_sha256)}
    return Pictures(
        articles={(rows[row].site, rows[row].id): thumbnail for row, thumbnail in made.items()},
        files={sha256: thumbnails.of_file(reading, sha256) for sha256 in sorted(hashes)},
    )
