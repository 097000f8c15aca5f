"""Targets: one key for every spelling, and errors that say what to do."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.errors import BadURL, TargetError, UnknownSite
from crawler.sites import Site
from crawler.targets import (
    Ignored,
    Target,
    TargetKind,
    article_target,
    classify,
    listing_target,
    parse_target,
    spellings,
)

DM = Site(
    "dm",
    "https://www.dailymaverick.co.za/",
    hosts=("staging.dailymaverick.co.za",),
    media_hosts=("cdn.dailymaverick.co.za",),
)
OLJ = Site(
    "olj",
    "https://www.lorientlejour.com",
    hosts=("today.lorientlejour.com", "olj.me"),
    api_url="https://api.lorientlejour.com/cms",
)
LOCAL = Site("box", "http://127.0.0.1:8001")
SITES = (DM, OLJ, LOCAL)

W = "https://www.dailymaverick.co.za"
L = "https://www.lorientlejour.com"
DATED = "/article/2023-07-06-as-minusma-exits"

# What contract 5.1 knows: the URL, the kind, the key, the URL to fetch (empty: as it was given).
TABLE = [
    (f"{W}{DATED}/", "article", f"dm:{DATED}", ""),
    (f"{W}{DATED}", "article", f"dm:{DATED}", ""),
    (f"{W}{DATED}/?utm_source=x&p=7#comments", "article", f"dm:{DATED}", f"{W}{DATED}/"),
    (f"https://staging.dailymaverick.co.za{DATED}/", "article", f"dm:{DATED}", ""),
    (f"http://WWW.DailyMaverick.co.za{DATED}/amp/", "article", f"dm:{DATED}", f"{W}{DATED}/"),
    (f"{W}/article/as-minusma-exits/", "article", "dm:/article/as-minusma-exits", ""),
    (f"{W}/article/as-minusma-exits-2023", "article", "dm:/article/as-minusma-exits-2023", ""),
    (f"{W}/article/1758224", "article", "dm:1758224", ""),
    (f"{W}/article/1758224/", "article", "dm:1758224", ""),
    (f"{W}/article/1758224-and-a-slug/", "article", "dm:/article/1758224-and-a-slug", ""),
    (f"{W}/?post_type=article&p=1758224", "article", "dm:1758224", f"{W}/article/1758224"),
    (f"{W}/opinionista/2023-07-06-a-view/", "article", "dm:/opinionista/2023-07-06-a-view", ""),
    (f"{W}/cartoon/a-drawing/", "article", "dm:/cartoon/a-drawing", ""),
    (f"{L}/article/1496196/un-titre.html", "article", "olj:1496196", ""),
    (f"{L}/cuisine-liban-a-table/1227694/un-plat.html", "article", "olj:1227694", ""),
    ("https://today.lorientlejour.com/article/1496196/a-title.html", "article", "olj:1496196", ""),
    (f"{L}/article/1496196", "article", "olj:1496196", ""),
    ("https://olj.me/1496196", "article", "olj:1496196", ""),
    (f"{W}/category/africa/", "category", "dm:category/africa", ""),
    (f"{W}/category/Africa?pagination=3", "category", "dm:category/africa", f"{W}/category/Africa"),
    (f"{W}/category/africa/page/2/", "category", "dm:category/africa", f"{W}/category/africa/"),
    (f"{W}/section/africa/", "category", "dm:category/africa", ""),
    (f"{W}/section/africa/feed/", "category", "dm:category/africa", f"{W}/section/africa/"),
    (f"{W}/business-maverick/", "category", "dm:category/business-maverick", ""),
    (f"{L}/rubrique/977-lebanon", "category", "olj:category/977", ""),
    (f"{L}/rubrique/977-un-autre-nom", "category", "olj:category/977", ""),
    (f"{L}/rubrique/977", "category", "olj:category/977", ""),
    (f"{L}/dossier/1201-%d9%84%d8%a8%d9%86%d8%a7%d9%86", "category", "olj:category/1201",
     f"{L}/dossier/1201-%D9%84%D8%A8%D9%86%D8%A7%D9%86"),
    (f"{L}/cuisine-liban-a-table/1037-recettes", "category", "olj:category/1037", ""),
    (f"{L}//1035-chefs", "category", "olj:category/1035", f"{L}/1035-chefs"),
    (f"{L}/category/1035-chefs", "category", "olj:category/1035", ""),
    (f"{W}/keyword/russia/", "keyword", "dm:keyword/russia", ""),
    (f"{W}/article_tag/russia/", "keyword", "dm:keyword/russia", ""),
    ("https://today.lorientlejour.com/keyword/56930-us-iran-ceasefire?pagination=3", "keyword", "olj:keyword/56930",
     "https://today.lorientlejour.com/keyword/56930-us-iran-ceasefire"),
    (f"{W}/author/benitgbaffou/", "author", "dm:author/benitgbaffou", ""),
    (f"{L}/author/812-une-personne", "author", "olj:author/812", ""),
    (f"{W}/section/a:b%25c/", "category", "dm:category/a:b%25c", ""),
    (f"{W}/", "front", "dm:front", ""),
    (W, "front", "dm:front", f"{W}/"),
    ("https://today.lorientlejour.com/?utm=1", "front", "olj:front", "https://today.lorientlejour.com/"),
    ("http://127.0.0.1:8001/section/africa/", "category", "box:category/africa", ""),
]  # fmt: skip


@pytest.mark.parametrize("url, kind, key, fetched", TABLE)
def test_every_spelling_of_the_contract_is_understood(url: str, kind: str, key: str, fetched: str) -> None:
    """A link found in a page and the same URL typed by a person are the same target."""
    site = key.partition(":")[0]
    expected = Target(TargetKind(kind), site, key, fetched or url)
    assert classify(url, SITES) == expected
    assert parse_target(url, SITES) == expected


@pytest.mark.parametrize("url, kind, key, fetched", TABLE)
def test_the_scheme_may_be_left_out(url: str, kind: str, key: str, fetched: str) -> None:
    """What is copied from an address bar often lacks it."""
    bare = url.partition("://")[2]
    assert parse_target(bare, SITES).key == key
    assert parse_target(f"//{bare}", SITES).key == key


@pytest.mark.parametrize("url, kind, key, fetched", TABLE)
def test_a_key_can_be_typed_as_a_target(url: str, kind: str, key: str, fetched: str) -> None:
    """What reports and `why` print can be given back to the command line."""
    assert parse_target(key, SITES).key == key
    assert parse_target(key, SITES).kind == kind


@pytest.mark.parametrize(
    "one, other",
    [
        (f"{W}/article_tag/2024-elections/", f"{W}/article_tag/2024-olympics/"),
        (f"{W}/article_tag/16-days-of-activism/", f"{W}/article_tag/16-june/"),
        (f"{W}/category/2024-elections/", f"{W}/category/2024-olympics/"),
        (f"{W}/article/2023-07-06-one/", f"{W}/article/2023-07-06-other/"),
    ],
)
def test_slugs_that_begin_alike_stay_apart(one: str, other: str) -> None:
    """A number that belongs to a name identifies nothing; one key for two listings would lose one."""
    first, second = classify(one, SITES), classify(other, SITES)
    assert isinstance(first, Target)
    assert isinstance(second, Target)
    assert first.key != second.key


@pytest.mark.parametrize(
    "text, kind, key, url",
    [
        ("dm", "front", "dm:front", f"{W}/"),
        ("dm:", "front", "dm:front", f"{W}/"),
        (" DM:1758224 ", "article", "dm:1758224", f"{W}/article/1758224"),
        ("dm:article/1758224", "article", "dm:1758224", f"{W}/article/1758224"),
        ("dm:category/africa", "category", "dm:category/africa", f"{W}/category/africa/"),
        ("dm:category/Our Burning", "category", "dm:category/our%20burning", f"{W}/category/Our%20Burning/"),
        ("olj:category/977", "category", "olj:category/977", f"{L}/category/977"),
        ("olj:keyword/56930-us-iran", "keyword", "olj:keyword/56930", f"{L}/keyword/56930-us-iran"),
        ("dm:author/benitgbaffou", "author", "dm:author/benitgbaffou", f"{W}/author/benitgbaffou/"),
        ("olj:publication/17", "publication", "olj:publication/17",
         "https://api.lorientlejour.com/cms/publication/17/content"),
        ("dm:publication/1", "publication", "dm:publication/1", f"{W}/"),
    ],
)  # fmt: skip
def test_targets_can_be_named_without_a_url(text: str, kind: str, key: str, url: str) -> None:
    """`site:…` builds the URL from the configuration."""
    target = parse_target(text, SITES)
    assert (target.kind, target.key, target.url) == (kind, key, url)


@pytest.mark.parametrize(
    "url, reason",
    [
        ("mailto:a@b.org", "not a web address"),
        ("javascript:void(0)", "not a web address"),
        ("", "not a web address"),
        ("https://x.org/\u202e", "not a web address"),
        ("https://facebook.com/sharer", "another host"),
        ("https://cdn.dailymaverick.co.za/article/1", "another host"),
        (f"{W}/about/", "neither an article nor a listing"),
        (f"{W}/login", "neither an article nor a listing"),
        (f"{W}/sitemap_index.xml", "neither an article nor a listing"),
        (f"{W}/favicon.ico", "neither an article nor a listing"),
        (f"{W}/_astro/x.js", "neither an article nor a listing"),
        (f"{W}/article/", "neither an article nor a listing"),
        (f"{W}/category/", "neither an article nor a listing"),
        (f"{W}/wp-content/uploads/2023/07/x.jpg", "neither an article nor a listing"),
        (f"{W}/article/a/b/c", "neither an article nor a listing"),
        (f"{W}/article/0", None),
    ],
)
def test_other_links_are_ignored_with_a_countable_reason(url: str, reason: str | None) -> None:
    """Furniture, other hosts and junk are told apart; an id of zero is a slug at most."""
    found = classify(url, SITES)
    if reason is None:
        assert isinstance(found, Target)
        assert found.key == "dm:/article/0"
    else:
        assert found == Ignored(reason)


def test_an_unknown_host_comes_with_the_block_to_add() -> None:
    """The message names the host, the rule and the remedy, and the remedy is valid TOML."""
    for text in ("https://www.annahar.com/lebanon/1-x", "www.annahar.com/lebanon", "//www.annahar.com"):
        with pytest.raises(UnknownSite, match=r"www\.annahar\.com is not a configured site, and nothing is fetched"):
            parse_target(text, SITES)
    with pytest.raises(UnknownSite) as caught:
        parse_target("https://www.annahar.com/", SITES)
    block = tomllib.loads(str(caught.value).partition("\n\n")[2])
    assert block["sites"][0]["name"] == "annahar"
    assert block["sites"][0]["base_url"] == "https://www.annahar.com/"


def test_the_block_to_add_takes_no_name_that_is_taken() -> None:
    """Pasting it leaves the configuration valid, whatever the host is called."""
    with pytest.raises(UnknownSite, match='name = "dm2"'):
        parse_target("https://dm.org/", SITES)
    with pytest.raises(UnknownSite, match='name = "newsroom"'):
        parse_target("http://10.0.0.1:8080/", SITES)


@pytest.mark.parametrize(
    "text, error, says",
    [
        ("ojl:category/977", UnknownSite, "did you mean 'olj'?"),
        ("nothere:1", UnknownSite, "configured are 'dm', 'olj', 'box'"),
        ("", TargetError, "a target is the URL of"),
        ("1758224", TargetError, "SITE:1234567"),
        ("africa", TargetError, "is not a target"),
        (f"{W}/about/", TargetError, "neither an article nor a listing"),
        ("cdn.dailymaverick.co.za/a.jpg", TargetError, "serves pictures or the API of 'dm'"),
        ("dm:publication/one", TargetError, "dm:publication/NUMBER"),
        ("dm:category/", TargetError, "dm:category/SLUG"),
        ("dm:category/..", TargetError, "dm:category/SLUG"),
        ("dm:nonsense", TargetError, "is not a target"),
        ("ftp://www.dailymaverick.co.za/", BadURL, "not an http or https URL"),
        ("https://www.dailymaverick.co.za/\x1b[2J", BadURL, "U+001B"),
    ],
)
def test_what_cannot_be_used_is_answered_with_a_remedy(text: str, error: type[TargetError], says: str) -> None:
    """The message names the value and what would do instead."""
    with pytest.raises(error) as caught:
        parse_target(text, SITES)
    assert says in str(caught.value)
    assert caught.type is error


def test_without_sites_the_message_says_so() -> None:
    """An empty configuration is named as the reason."""
    with pytest.raises(UnknownSite, match="no site is configured"):
        parse_target("dm:1", ())


TERM_URLS = [
    (TargetKind.CATEGORY, "3", "africa", "https://prod.dailymaverick.co.za/category/africa/", DM,
     f"{W}/category/africa/"),
    (TargetKind.CATEGORY, "3", "africa", "https://staging.dailymaverick.co.za/category/africa/", DM,
     "https://staging.dailymaverick.co.za/category/africa/"),
    (TargetKind.KEYWORD, "9", "russia", f"{W}/article_tag/russia/", DM, f"{W}/article_tag/russia/"),
    (TargetKind.CATEGORY, "1035", "chefs", f"{L}//1035-chefs", OLJ, f"{L}/1035-chefs"),
    (TargetKind.KEYWORD, "56930", "us-iran", f"{L}/keyword/56930-us-iran", OLJ, f"{L}/keyword/56930-us-iran"),
    (TargetKind.CATEGORY, "4", "moyen-orient-", f"{L}/rubrique/4-moyen-orient-", OLJ, f"{L}/rubrique/4-moyen-orient-"),
    (TargetKind.AUTHOR, "1", "benit-gbaffou", f"{W}/author/benitgbaffou/", DM, f"{W}/author/benitgbaffou/"),
    (TargetKind.AUTHOR, "1", "x", "/author/benitgbaffou/", DM, f"{W}/author/benitgbaffou/"),
]  # fmt: skip


@pytest.mark.parametrize("kind, cms_id, slug, url, site, fetched", TERM_URLS)
def test_a_term_has_the_key_of_its_url(
    kind: TargetKind, cms_id: str, slug: str, url: str, site: Site, fetched: str
) -> None:
    """Terms of an article and links of a page meet under one key, on a host that the configuration allows."""
    target = listing_target(site, kind, cms_id, slug, url)
    assert target.url == fetched
    assert target == classify(fetched, SITES)


@pytest.mark.parametrize(
    "cms_id, slug, url, key, fetched",
    [
        ("3", "africa", "", "dm:category/africa", f"{W}/category/africa/"),
        ("3", " Maverick Life ", "http://[", "dm:category/maverick%20life", f"{W}/category/Maverick%20Life/"),
        ("3", "", "\x00", "dm:category/3", f"{W}/category/3"),
        ("3", "africa", "/keyword/africa/", "dm:category/africa", f"{W}/category/africa/"),
        ("3", "africa", "https://evil.example/a/b/c/d", "dm:category/africa", f"{W}/category/africa/"),
        ("3", "\ud800", "", "dm:category/%3f", f"{W}/category/%3F/"),
    ],
)
def test_a_term_without_a_readable_url_is_built(cms_id: str, slug: str, url: str, key: str, fetched: str) -> None:
    """The slug, else the id, makes up for a URL that is absent, malformed or of something else."""
    target = listing_target(DM, TargetKind.CATEGORY, cms_id, slug, url)
    assert (target.key, target.url) == (key, fetched)


def test_a_number_in_a_name_is_known_by_the_id_beside_it() -> None:
    """Where the object's id is not the number in front of its slug, the number is part of the name."""
    url = f"{W}/keyword/16-days-of-activism/"
    target = listing_target(DM, TargetKind.KEYWORD, "5412", "16-days-of-activism", url)
    assert target.key == "dm:keyword/16-days-of-activism"
    assert listing_target(OLJ, TargetKind.KEYWORD, "16", "days", f"{L}/keyword/16-days").key == "olj:keyword/16"


def test_articles_and_publications_are_built_from_their_ids() -> None:
    """A linked article, or an article's publication, is known by its id alone."""
    assert article_target(DM, "1758224") == classify(f"{W}/article/1758224", SITES)
    assert listing_target(OLJ, TargetKind.PUBLICATION, "17", "", "") == parse_target("olj:publication/17", SITES)


@pytest.mark.parametrize(
    "text, expected",
    [
        (f"{W}/business-maverick/", ["/business-maverick/", "/category/business-maverick/",
                                     "/section/business-maverick/"]),
        ("dm:category/africa", ["/category/africa/", "/section/africa/", "/africa/"]),
        ("dm:category/search", ["/category/search/", "/section/search/"]),
        (f"{W}/section/africa", ["/section/africa", "/category/africa/", "/africa/"]),
        ("dm:keyword/russia", ["/keyword/russia/", "/article_tag/russia/"]),
        ("dm:author/benit-gbaffou", ["/author/benit-gbaffou/", "/author/benitgbaffou/"]),
        ("dm:1758224", ["/article/1758224"]),
    ],
)  # fmt: skip
def test_the_other_spellings_of_a_listing_are_tried_in_order(text: str, expected: list[str]) -> None:
    """Its own URL first, then the prefixes of the contract, each once."""
    assert list(spellings(parse_target(text, SITES), DM)) == [W + path for path in expected]


def test_numbered_listings_keep_their_decoration_and_host() -> None:
    """A numbered category is tried under the prefixes that go by number, on the front it was found on."""
    today = "https://today.lorientlejour.com"
    target = parse_target(f"{today}/category/977-lebanon", SITES)
    expected = [f"{today}/{prefix}/977-lebanon" for prefix in ("category", "rubrique", "section")]
    assert list(spellings(target, OLJ)) == expected


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from([W, L, "/", "//", "article", "category", "1-", "2023-07-06-", "12", "?p=3", "%2F", "x", "dm:",
                         "olj:", ".html", "keyword/", "\u202e", "%00", "..", "é"]),
        max_size=8,
    ).map("".join)
)  # fmt: skip
def test_only_declared_errors_are_raised(text: str) -> None:
    """Any text is a target, ignored, or answered with a TargetError; and what is a target is one when it is fetched."""
    found = classify(text, SITES)
    if isinstance(found, Target):
        assert classify(found.url, SITES) == found
        assert spellings(found, DM)[0] == found.url
        assert parse_target(found.key, SITES).key == found.key
    try:
        typed = parse_target(text, SITES)
    except TargetError:
        return
    assert ":" in typed.key
    assert typed.key.isprintable()


@given(st.sampled_from(["category", "keyword", "author"]), st.text(max_size=30), st.text(max_size=30), st.text())
@example("category", "1", "🗞" * 5_000, "")
@example("category", "1", "a" * 5_000, "")
def test_a_term_of_any_shape_makes_a_target(kind: str, cms_id: str, slug: str, url: str) -> None:
    """Whatever the JSON holds, the term is followed on an allowed host or not at all."""
    target = listing_target(DM, TargetKind(kind), cms_id, slug, url)
    assert target.url.startswith((W, "https://staging.dailymaverick.co.za"))
    assert target.key.startswith(f"dm:{kind}/")
