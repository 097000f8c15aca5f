"""What an audit asks of an archive."""

from __future__ import annotations

from storage import audit, frontier, keeping
from storage.records import SWEEP, Kind, ListedPage, ListingStep
from tests.storage import making
from tests.storage.making import WORK, article, capture, wanted

PATH = "/article/1-a-title"
END = ListingStep("pages", "", outcome="complete", verdict="complete")


def test_an_article_that_is_known_by_two_names_is_listed_by_either() -> None:
    """By its id, which another article linked to, and by the path that a page gave: it is one, and listed."""
    connection = making.memory()
    keys = ("category/africa", f"{SWEEP}category/africa")
    rows = []
    for key, named in zip(keys, (PATH, "1"), strict=True):
        want = wanted(key, Kind.LISTING)
        keeping.begin_target(connection, want, refresh=False, work=WORK)
        listing = frontier.find(connection, Kind.LISTING, want.key)
        assert listing is not None
        page = ListedPage("pages", (wanted(named),))
        keeping.keep_listing_page(connection, listing, None, page, lambda _: (END, ()), WORK)
        rows.append(listing.id)
    job = frontier.find(connection, Kind.ARTICLE, f"dm:{PATH}")
    assert job is not None
    keeping.keep_article(connection, job, capture(), article("1"), (), (), WORK)
    assert making.one(connection, "SELECT count(*) FROM frontier WHERE kind = 'article'") == 2
    (item,) = audit.items(connection, audit.Rows(*rows))
    assert (item.key, item.listed) == ("dm:1", True)
