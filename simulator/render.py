"""Article pages as the public site shows them: metadata, embedded JSON, and a body to read."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from simulator.profiles import Profile
from simulator.stock import Json

MARKER = "All Article Properties:"


def island(value: Any) -> list[Any]:
    """Encode a value as the front end's framework does: a type number with every value."""
    if isinstance(value, dict):
        return [0, {key: island(entry) for key, entry in value.items()}]
    if isinstance(value, list):
        return [1, [island(entry) for entry in value]]
    return [0, value]


def embedded(article: Json) -> Json:
    """Return the article as the front end rewrites it: a T inside the dates."""
    return article | {key: str(article.get(key, "")).replace(" ", "T") for key in ("firstPublished", "lastUpdate")}


def _zulu(moment: Any) -> str:
    """Label the site-local time as UTC, which is what the public site wrongly does."""
    return str(moment).replace(" ", "T") + ".000Z"


def _entries(article: Json, key: str) -> list[Json]:
    value = article.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _keywords(article: Json) -> list[Json]:
    return [entry["data"] for entry in _entries(article, "keywords") if isinstance(entry.get("data"), dict)]


def _seo(article: Json, key: str) -> str:
    seo = article.get("seo")
    return str(seo.get(key) or "") if isinstance(seo, dict) else ""


def linked_data(article: Json) -> str:
    """Return the JSON-LD script of an article."""
    data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": _seo(article, "search_title") or article.get("title"),
        "description": _seo(article, "search_description"),
        "datePublished": _zulu(article.get("firstPublished")),
        "dateModified": _zulu(article.get("lastUpdate")),
        "image": [entry.get("url") for entry in _entries(article, "attachments")],
        "author": [{"@type": "Person", "name": entry.get("name")} for entry in _entries(article, "authors")],
        "articleSection": next((entry.get("name") for entry in _entries(article, "categories")), ""),
        "keywords": ", ".join(str(entry.get("name")) for entry in _keywords(article)),
        "wordCount": article.get("content_length"),
        "timeRequired": f"PT{max(1, int(article.get('time_to_read') or 60) // 60)}M",
        "mainEntityOfPage": {"@type": "WebPage", "@id": article.get("url")},
    }
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>'


def meta(article: Json) -> str:
    """Return canonical link and meta tags of an article."""
    sections = [str(entry.get("name")) for entry in _entries(article, "categories")]
    named = {
        "author": ", ".join(str(entry.get("name")) for entry in _entries(article, "authors")),
        "published": article.get("firstPublished"),
        "section": ", ".join(sections),
        "primary_section": sections[0] if sections else "",
        "category": sections[0] if sections else "",
        "keywords": ", ".join(str(entry.get("name")) for entry in _keywords(article)),
        "reading-time": article.get("time_to_read"),
        "word-count": article.get("content_length"),
        "description": _seo(article, "search_description"),
    }
    pictures = [str(entry.get("url")) for entry in _entries(article, "attachments")]
    properties = {
        "og:type": "article",
        "og:title": _seo(article, "social_title"),
        "og:description": _seo(article, "social_description"),
        "og:url": article.get("url"),
        "og:image": _seo(article, "social_image") or next(iter(pictures), ""),
        "article:published_time": _zulu(article.get("firstPublished")),
        "article:modified_time": _zulu(article.get("lastUpdate")),
    }
    lines = [f'<link rel="canonical" href="{escape(str(article.get("url")))}">']
    lines += [_tag("name", key, value) for key, value in named.items() if value not in (None, "")]
    lines += [_tag("property", key, value) for key, value in properties.items() if value]
    lines += [_tag("name", "article:tag", entry.get("name")) for entry in _keywords(article)]
    return "\n".join(lines)


def _tag(kind: str, key: str, value: object) -> str:
    return f'<meta {kind}="{key}" content="{escape(str(value))}">'


def advertising(article: Json) -> str:
    """Return the script that tells the advertising what it stands beside."""
    data = {
        "page_type": "article",
        "article_id": article.get("id"),
        "category": next((entry.get("slug") for entry in _entries(article, "categories")), ""),
        "tags": [entry.get("slug") for entry in _keywords(article)],
        "custom_section_label": article.get("dm_custom_section_label"),
    }
    text = json.dumps(data).replace("</", "<\\/")
    return f"<script>window.dm_ads = {text};</script>"


def _main_image(article: Json) -> str:
    for entry in _entries(article, "attachments")[:1]:
        choices = ", ".join(f"{t.get('url')} {t.get('x')}w" for t in _entries(entry, "transforms")[1:])
        image = f'<img src="{escape(str(entry.get("url")))}" srcset="{escape(choices)}"'
        image += f' alt="{escape(str(entry.get("description") or ""))}">'
        caption = f'<em class="image-caption">{escape(str(entry.get("name") or ""))}</em>'
        return f'<div class="main-image">{image}{caption}</div>'
    return ""


def human(article: Json) -> str:
    """Return the part of the page that people read."""
    authors = "".join(_anchor(entry.get("url"), entry.get("name"), "author") for entry in _entries(article, "authors"))
    keywords = "".join(_anchor(entry.get("url"), entry.get("name"), "tag") for entry in _keywords(article))
    sections = "".join(
        _anchor(entry.get("url"), entry.get("name"), "section") for entry in _entries(article, "categories")
    )
    return (
        f'<article class="article-container"><nav class="crumbs">{sections}</nav>'
        f'<h1>{escape(str(article.get("title")))}</h1><div class="byline">{authors}</div>'
        f'<div class="top-summary">{article.get("summary") or ""}</div>{_main_image(article)}'
        f'<div class="article-contents"><div class="max-w-none">{article.get("contents") or ""}</div></div>'
        f'<div class="keywords">{keywords}</div></article>'
    )


def _anchor(url: object, name: object, kind: str) -> str:
    return f'<a class="{kind}" href="{escape(str(url))}">{escape(str(name))}</a> '


def islands(article: Json) -> str:
    """Return the two components of the live site that carry the whole article."""
    value = embedded(article)
    tracker = escape(json.dumps({"content": island(value), "pageType": [0, "article"]}, ensure_ascii=False))
    tabs = escape(json.dumps({"article": island(value), "open": [0, False]}, ensure_ascii=False))
    return (
        f'<astro-island uid="Z1box" component-url="/_astro/RevEngineTracker.Bx0fA1c2.js" component-export="default" '
        f'renderer-url="/_astro/client.B0x.js" props="{tracker}" ssr client="load"></astro-island>'
        f'<astro-island uid="Z2box" component-url="/_astro/Tabs.Qk2pL9.js" component-export="Tabs" props="{tabs}" '
        f'ssr client="idle"></astro-island>'
    )


def document(title: str, head: str, body: str, language: str = "en") -> str:
    """Wrap head and body into a page."""
    direction = ' dir="rtl"' if language == "ar" else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"{direction}><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>\n{head}</head>\n<body>\n{body}\n</body></html>\n"
    )


def article_page(article: Json, profile: Profile, dump: str | None, frame: tuple[str, str]) -> str:
    """Return the page of an article; with the JSON as plain text when a dump is given."""
    head = f"{meta(article)}\n{linked_data(article)}\n"
    body = human(article).join(frame)
    if profile.name == "dm":
        head += advertising(article)
        body += islands(article) if dump is None else f"<pre>{MARKER}\n{escape(dump, quote=False)}</pre>"
    return document(f"{article.get('title')} | {profile.title}", head, body, _language(article))


def _language(article: Json) -> str:
    """Return the language of the publication; where it names none, English."""
    kinds = (entry.get("typeId") for entry in _entries(article, "categories"))
    locale = next((str(kind.get("locale") or "") for kind in kinds if isinstance(kind, dict)), "")
    return locale[:2] or "en"
