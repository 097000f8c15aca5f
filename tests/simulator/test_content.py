"""The computed content: formulas, determinism, membership, quirks."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simulator.addresses import local
from simulator.content import Content, restless
from simulator.inventory import Inventory, mentioned
from simulator.measures import content_length, time_to_read
from simulator.names import slugify
from simulator.profiles import PROFILES

RECORDED = Path(__file__).parent / "recorded" / "article-1758224.json"


def newsroom(profile: str = "dm", articles: int = 400, seed: int = 1, quirks: bool = True) -> Content:
    return Content(PROFILES[profile], seed, articles, quirks, local("127.0.0.1", 8000))


def everything(content: Content) -> list[dict[str, Any]]:
    found = [content.article(article_id) for article_id in content.ids()]
    return [article for article in found if article is not None]


def test_length_counts_characters_without_tags_and_with_line_ends() -> None:
    """Entities count as they are written, and CRLF counts twice."""
    assert content_length("<p>a&#39;b</p>\r\n\r\n<b>c</b>") == len("a&#39;b\r\n\r\nc")


def test_reading_time_joins_words_that_only_tags_separate() -> None:
    """Tags vanish without a space, and every field is counted for itself."""
    assert time_to_read("<p>one</p><p>two</p> three", "<p>four</p>", "five six seven") == 2


def test_length_agrees_with_a_recorded_article() -> None:
    """The formula gives what the real CMS computed."""
    article = json.loads(RECORDED.read_text())
    assert content_length(article["contents"]) == article["content_length"] == 6371


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_every_article_measures_itself_rightly(profile: str) -> None:
    """content_length and time_to_read follow from the texts."""
    for article in everything(newsroom(profile, 120)):
        assert article["content_length"] == content_length(article["contents"])
        if "time_to_read" in article:
            texts = (article[key] for key in ("contents", "introduction", "summary"))
            assert article["time_to_read"] == time_to_read(*texts)


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_the_same_seed_gives_the_same_newsroom(profile: str) -> None:
    """Content is a function of seed and number; another seed gives another newsroom."""
    one, same, other = newsroom(profile), newsroom(profile), newsroom(profile, seed=2)
    assert [one.raw(i) for i in one.ids()] == [same.raw(i) for i in same.ids()]
    assert list(one.ids()) != list(other.ids())


def test_a_larger_newsroom_only_adds_newer_articles() -> None:
    """Raising the number changes nothing that was there."""
    small, large = newsroom(articles=100), newsroom(articles=130)
    assert list(large.ids())[30:] == list(small.ids())
    texts = [(small.article(i) or {})["contents"] for i in small.ids()]
    assert texts == [(large.article(i) or {})["contents"] for i in small.ids()]


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_lists_are_newest_first_and_ids_are_sparse(profile: str) -> None:
    """firstPublished falls along every list, and ids are unique with gaps."""
    content = newsroom(profile)
    moments = [article["firstPublished"] for article in everything(content)]
    ids = [int(i) for i in content.ids()]
    assert moments == sorted(moments, reverse=True)
    assert len(set(ids)) == 400
    assert max(ids) - min(ids) > 400 * 6


@pytest.mark.parametrize("profile", ["dm", "olj"])
@pytest.mark.parametrize("kind", ["category", "keyword", "author"])
def test_listings_hold_exactly_the_articles_that_name_them(profile: str, kind: str) -> None:
    """Listing arithmetic agrees with the articles themselves, by id, by slug and by URL."""
    content = newsroom(profile, 260)
    filed: dict[str, set[str]] = {}
    for article in everything(content):
        keys = {
            "category": [category["id"] for category in article["categories"]],
            "keyword": [keyword["data"]["keywordId"] for keyword in article["keywords"]],
            "author": [author["id"] for author in article["authors"]],
        }[kind]
        for key in keys:
            filed.setdefault(key, set()).add(article["id"])
    listings = {listing.id: listing for listing in content.listings(kind)}
    assert {key: set(listing.ids) for key, listing in listings.items() if listing.count} == filed
    for listing in listings.values():
        path = listing.url.removeprefix("http://127.0.0.1:8000")
        assert (content.listing_at(path) or listing).id == listing.id
        assert content.listing_at(path) is not None
        if profile == "dm":
            assert content.listing(kind, listing.slug) is not None


def test_shares_are_as_promised() -> None:
    """Africa has 40 percent, keywords are shared by up to 60 articles."""
    content = newsroom(articles=1200)
    africa = content.listing("category", "africa")
    assert africa is not None
    assert africa.count == 480
    sizes = [keyword.count for keyword in content.listings("keyword")]
    assert max(sizes) <= 60
    assert sum(size >= 4 for size in sizes) / len(sizes) > 0.95


def test_every_address_of_an_article_leads_back_to_it() -> None:
    """Dated and bare-id addresses are exact; the undated one may be shared by twins."""
    content = newsroom()
    for article in everything(content):
        path = article["url"].removeprefix("http://127.0.0.1:8000")
        hit, by_id = content.locate(path), content.locate(f"/article/{article['id']}/")
        assert hit is not None
        assert by_id is not None
        assert (hit.article_id, by_id.article_id) == (article["id"], article["id"])
        undated = content.locate(f"/article/{article['slug']}")
        assert undated is not None
        assert (content.article(undated.article_id) or {})["slug"] == article["slug"]
    assert content.locate("/article/2020-01-01-no-such-thing/") is None
    assert content.locate("/article/999") is None


def test_some_slugs_are_shared_and_some_say_less_than_the_title() -> None:
    """Slugs identify nothing on their own."""
    articles = everything(newsroom())
    slugs = Counter(article["slug"] for article in articles)
    assert any(times > 1 for times in slugs.values())
    assert any(slug.endswith("-") for slug in slugs)
    assert any(slugify(article["title"]) != article["slug"].rstrip("-") for article in articles)


def test_the_object_quirks_of_the_contract_occur() -> None:
    """Numbers as text, lists for maps, JSON in strings, absent keys, stale categories, orphans, frames."""
    articles = everything(newsroom())
    texts = [article["contents"] for article in articles]
    categories = [category for article in articles for category in article["categories"]]
    inline = [entry for article in articles for entry in article.get("inline_attachments", [])]
    assert all(isinstance(article["id"], str) for article in articles)
    assert {type(article["elements"]) for article in articles} == {list, dict}
    assert all(article["options"] == [] for article in articles)
    assert {"access_allowed" in article for article in articles} == {True, False}
    assert {"inline_attachments" in article for article in articles} == {True, False}
    assert {next(iter(article)) for article in articles} == {"access_control", "objectType"}
    assert {"seo_name" in category for category in categories} == {True, False}
    assert {"typeId" in category for category in categories} == {True, False}
    assert any(category["parent"] for category in categories)
    assert json.loads(categories[0]["typeId"]["access_groups"]) == []
    assert any("/attachments/orphans/" in entry["url"] and "transforms" not in entry for entry in inline)
    assert any("\r\n\r\n" in text and "<p>" not in text for text in texts)
    assert any("<iframe" in text for text in texts)
    assert any("counter.theconversation.com" in text for text in texts)
    assert any("srcset=" in text for text in texts)
    assert any("\u00a0" in article["title"] for article in articles)
    assert any("  " in article["title"] for article in articles)
    assert any(article["title"].endswith(" ") for article in articles)
    assert any(article["firstPublished"].endswith("00:00:00") for article in articles)
    assert {len(article["attachments"]) for article in articles} == {0, 1, 2, 3}
    assert {type(t["x"]) for a in articles for p in a["attachments"] for t in p["transforms"]} == {str}
    assert any("dm-key-theme" in article for article in articles)


def test_the_second_installation_has_its_own_habits() -> None:
    """Three languages, whole-number sizes, linked chefs in short form, malformed category addresses."""
    articles = everything(newsroom("olj"))
    urls = [category["url"] for article in articles for category in article["categories"]]
    recipes = [article for article in articles if article["contentType"]["name"] == "Recipes"]
    chefs = [article["chef"] for article in recipes if "chef" in article]
    assert {type(t["x"]) for a in articles for p in a["attachments"] for t in p["transforms"]} == {int}
    assert any("//" in url.removeprefix("http://") for url in urls)
    assert any(letter > "\u0600" for article in articles for letter in article["title"])
    assert chefs
    assert all(chef["contents"] == "" and chef["content_length"] > 0 for chef in chefs)
    assert {type(recipe["preparation_time"]) for recipe in recipes} == {int, str}
    assert all(isinstance(recipe["options"].get("chef", 0), int) for recipe in recipes)
    assert any(isinstance(k["data"]["translations"], str) for a in articles for k in a["keywords"])
    assert any(article["authors"] == [] for article in articles)


def test_without_quirks_articles_are_plain() -> None:
    """A newsroom for benchmarks has no oddities in its titles and no pictures in its text."""
    articles = everything(newsroom(quirks=False))
    assert all(article["title"] == article["title"].strip() for article in articles)
    assert not any("inline_attachments" in article for article in articles)


def test_volatile_fields_move_between_visits_and_nothing_else() -> None:
    """views, rating, cached and articlesCount flip; the rest stays."""
    content = newsroom("olj")
    article = content.article(next(i for i in content.ids() if (content.article(i) or {}).get("rating")))
    assert article is not None
    one, two = restless(article, 1), restless(article, 2)
    assert {key for key in one if one[key] != two[key]} == {"views", "rating", "cached", "categories"}


@pytest.mark.parametrize("profile", ["dm", "olj"])
def test_the_inventory_names_every_address_of_our_pictures(profile: str) -> None:
    """No media URL in the JSON is missing, and each is there once."""
    content = newsroom(profile, 80)
    inventory = Inventory(content)
    for article_id in inventory.articles():
        renditions = inventory.renditions(article_id)
        text = json.dumps({**json.loads(inventory.article_json(article_id)), "chef": None})
        assert len({rendition.url for rendition in renditions}) == len(renditions)
        assert all(json.dumps(rendition.url)[1:-1] in text for rendition in renditions)
        assert all(content.picture(rendition.url.removeprefix("http://127.0.0.1:8000")) for rendition in renditions)
        ours = {r.url for r in mentioned(content.article(article_id) or {}) if r.url.startswith("http://127.0.0.1")}
        assert ours == {rendition.url for rendition in renditions}


def test_a_huge_newsroom_computes_only_what_is_asked() -> None:
    """300,000 articles start like ten: listing a page writes no article, fetching one writes one."""
    content = newsroom(articles=300_000)
    africa = content.listing("category", "africa")
    assert africa is not None
    assert africa.count == 120_000
    assert len(africa.ids[119_988:]) == 12
    content.summary(africa.ids[60_000])
    assert content.written == 0
    article = content.article(content.ids()[150_000])
    assert article is not None
    assert content.written == 1
    assert content.locate(article["url"].removeprefix("http://127.0.0.1:8000")) is not None
