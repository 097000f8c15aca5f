"""Listing pages, the front page, sitemaps and robots.txt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlsplit

from simulator.render import document
from simulator.stock import Listing, Stock

PER_PAGE = 12
LATEST = 20  # what a category page without pagination shows
PER_SITEMAP = 1_000
NEWS = 50


def frame(stock: Stock) -> tuple[str, str]:
    """Return header and footer with the links that every page repeats."""
    front = stock.addresses.front
    if stock.profile.name == "dm":
        names = [(f"/section/{found.slug}/", found.name) for found in stock.listings("category")]
    else:
        names = [(found.url, found.name) for found in stock.listings("category")]
    links = "".join(f'<a href="{escape(url)}">{escape(name)}</a> ' for url, name in names)
    header = f'<header><a href="{front}/">{escape(stock.profile.title)}</a><nav>{links}</nav></header>'
    noise = (
        "/about/",
        "/cartoons/",
        "/opinionistas/",
        "/article/",
        "/newsletters/?article=1",
        "https://social.example/box",
    )
    bottom = "".join(f'<a href="{url}">{url.strip("/")}</a> ' for url in noise)
    return header, f"<footer>{bottom}</footer>"


def _items(stock: Stock, ids: Iterable[str]) -> str:
    """Return the cards of a listing: links relative and absolute in turn on the one-front site."""
    cards = []
    for place, article_id in enumerate(ids):
        url, title, day = stock.summary(article_id)
        if stock.profile.name == "dm" and place % 2 and url.startswith(f"{stock.addresses.front}/"):
            url = urlsplit(url).path
        link = f'<a href="{escape(url)}"><img alt="" src="data:,"></a><a href="{escape(url)}">{escape(title)}</a>'
        cards.append(f'<div class="card">{link}<time>{day}</time></div>')
    return "\n".join(cards)


def listing_page(stock: Stock, listing: Listing, page: int, parameter: str) -> str:
    """Return one page of a listing."""
    if stock.profile.name == "olj" and listing.kind == "category":
        return _framed(stock, listing.name, "", _items(stock, listing.ids[:LATEST]))
    start = (page - 1) * PER_PAGE
    head, foot = f'<link rel="canonical" href="{escape(listing.url)}">', ""
    if start + PER_PAGE < listing.count:
        following = f"?{parameter}={page + 1}"
        head += f'<link rel="next" href="{escape(listing.url)}{following}">'
        foot = f'<a class="more" rel="next" href="{following}">More</a>'
    return _framed(stock, listing.name, head, _items(stock, listing.ids[start : start + PER_PAGE]) + foot)


def home_page(stock: Stock) -> str:
    """Return the front page: the newest articles."""
    return _framed(stock, stock.profile.title, "", _items(stock, stock.ids()[:LATEST]))


def message_page(stock: Stock, text: str) -> str:
    """Return a page that says one thing, such as that there is nothing here."""
    return _framed(stock, text, "", f"<h1>{escape(text)}</h1>")


def _framed(stock: Stock, title: str, head: str, body: str) -> str:
    header, footer = frame(stock)
    heading = f"<main><h1>{escape(title)}</h1>\n{body}</main>"
    return document(f"{title} | {stock.profile.title}", head, header + heading + footer)


def _sitemap(entries: Iterable[str], root: str = "urlset", extra: str = "") -> str:
    space = f'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"{extra}'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {space}>\n{"".join(entries)}</{root}>\n'


def sitemap_index(stock: Stock) -> str:
    """Return the index of sitemaps: one for sections, one for every thousand articles."""
    base, total = stock.addresses.front, len(stock.ids())
    names = ["section-sitemap.xml"] + [f"article-sitemap{n + 1}.xml" for n in range(-(-total // PER_SITEMAP))]
    return _sitemap((f"<sitemap><loc>{base}/{name}</loc></sitemap>\n" for name in names), "sitemapindex")


def article_sitemap(stock: Stock, number: int) -> str | None:
    """Return one sitemap of articles, newest first."""
    ids = stock.ids()[(number - 1) * PER_SITEMAP : number * PER_SITEMAP]
    if number < 1 or not ids:
        return None
    return _sitemap(_sitemap_entry(stock, article_id) for article_id in ids)


def _sitemap_entry(stock: Stock, article_id: str) -> str:
    url, _, day = stock.summary(article_id)
    return f"<url><loc>{escape(url)}</loc><lastmod>{day[:10]}</lastmod></url>\n"


def section_sitemap(stock: Stock) -> str:
    """Return the sitemap of sections."""
    return _sitemap(f"<url><loc>{escape(found.url)}</loc></url>\n" for found in stock.listings("category"))


def news_sitemap(stock: Stock) -> str:
    """Return the newest articles with title and date, as search engines want them."""
    newest: Sequence[str] = stock.ids()[:NEWS]
    entries = []
    for article_id in newest:
        url, title, day = stock.summary(article_id)
        news = f"<news:publication_date>{day.replace(' ', 'T')}</news:publication_date>"
        news += f"<news:title>{escape(title)}</news:title>"
        entries.append(f"<url><loc>{escape(url)}</loc><news:news>{news}</news:news></url>\n")
    return _sitemap(entries, extra=' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"')


def robots(stock: Stock) -> str:
    """Return robots.txt."""
    front = stock.addresses.front
    rules = "User-agent: *\nDisallow: /search/\nDisallow: /preview/\n"
    return f"{rules}\nSitemap: {front}/sitemap_index.xml\nSitemap: {front}/news-sitemap.xml\n"
