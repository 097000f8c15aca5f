"""An article as one revision has it: what the newsroom wrote, read from the kept JSON. Pure, and tolerant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from selectolax.lexbor import LexborHTMLParser

from reader import fields
from reader.fields import Fields

_ARABIC = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_TAG = re.compile(r"<[^>]*>")
_LOCALE = re.compile(r"([a-z]{2})(?:[-_][A-Za-z]{2})?")
_FRENCH = re.compile(r"\b(?:les|des|une|dans|pour|est|sur|avec|qui)\b", re.IGNORECASE)
_ENGLISH = re.compile(r"\b(?:the|and|of|that|with|was|for|has)\b", re.IGNORECASE)
_SAMPLE = 2_000  # characters that a language is told by

# Custom fields of one installation or another, as a reader calls them (contract 4.1), in the order of a recipe.
_FACTS = {
    "recipe_name": "Recipe",
    "preparation_time": "Preparation",
    "cooking_time": "Cooking",
    "persons": "Serves",
    "difficulty": "Difficulty",
    "astuce": "Tip",
    "recipe_history_title": "History",
}
_KICKERS = ("dm_custom_section_label", "tag")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture, or another file, that belongs to an article."""

    id: str
    url: str
    kind: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Story:
    """One revision of an article. Texts ending in `_html` are hostile until they have been cleaned."""

    title: str
    kicker: str
    subtitle: str
    byline: str
    language: str
    rtl: bool
    published: str
    updated: str
    summary_html: str
    introduction_html: str
    contents_html: str
    attachments: tuple[Attachment, ...]
    inline: tuple[Attachment, ...]
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    keywords: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    videos: tuple[str, ...]
    related: tuple[tuple[str, str], ...]  # ids and titles
    sponsor: str
    source: str


def read(json: str) -> Story:
    """Read the JSON of a revision; what cannot be read is empty."""
    try:
        article = fields.mapping(msgspec.json.decode(json.encode("utf-8", "replace")))
    except (msgspec.DecodeError, RecursionError):
        article = {}
    summary, introduction = fields.html(article.get("summary")), fields.html(article.get("introduction"))
    contents = fields.html(article.get("contents"))
    sample = f"{fields.first(article, 'title')} {_TAG.sub(' ', (introduction + contents or summary)[: 4 * _SAMPLE])}"
    rtl = is_rtl(sample)
    return Story(
        title=fields.first(article, "title") or fields.first(fields.mapping(article.get("seo")), "search_title"),
        kicker=fields.first(article, *_KICKERS),
        subtitle=fields.first(article, "subtitle"),
        byline=fields.first(article, "byline"),
        language="ar" if rtl else _language(article, sample[:_SAMPLE]),
        rtl=rtl,
        published=fields.first(article, "firstPublished"),
        updated=fields.first(article, "lastUpdate"),
        summary_html=summary.strip() or fields.first(article, "description", "short_summary"),
        introduction_html=introduction,
        contents_html=contents,
        attachments=tuple(_attachments(article.get("attachments"))),
        inline=tuple(_attachments(article.get("inline_attachments"))),
        authors=tuple(_names(article.get("authors"), "name")),
        categories=tuple(_names(article.get("categories"), "name")),
        keywords=tuple(_names(article.get("keywords"), "display_name", "name")),
        facts=tuple((label, value) for key, label in _FACTS.items() if (value := fields.first(article, key))),
        videos=fields.texts(fields.mapping(article.get("elements")).get("youtube")),
        related=tuple(_related(article)),
        sponsor=fields.first(fields.mapping(article.get("sponsor")), "name"),
        source=fields.first(fields.mapping(article.get("source")), "name") or fields.text(article.get("source")),
    )


def plain(html: str) -> str:
    """Return the text of a little HTML, such as a description."""
    if "<" not in html and "&" not in html:
        return " ".join(html.split())
    body = LexborHTMLParser(html).body
    return " ".join(body.text(separator=" ").split()) if body is not None else ""


def is_rtl(text: str) -> bool:
    """Say whether a text is written from right to left for the most part."""
    return len(_ARABIC.findall(text[:_SAMPLE])) > len(_LATIN.findall(text[:_SAMPLE]))


def _language(article: Fields, sample: str) -> str:
    """Return the language that the publication's locale names; without one, French or English as the words say."""
    for category in fields.objects(article.get("categories")):
        locale = _LOCALE.fullmatch(fields.first(fields.mapping(category.get("typeId")), "locale"))
        if locale:
            return locale[1]
    return "fr" if len(_FRENCH.findall(sample)) > len(_ENGLISH.findall(sample)) else "en"


def _attachments(value: object) -> Iterator[Attachment]:
    for entry in fields.objects(value):
        yield Attachment(
            id=fields.first(entry, "id"),
            url=fields.first(entry, "url"),
            kind=fields.first(entry, "type"),
            name=fields.first(entry, "name"),
            description=fields.first(entry, "description"),
        )


def _names(value: object, *keys: str) -> Iterator[str]:
    for entry in fields.objects(value):
        name = fields.first(fields.mapping(entry.get("data")) or entry, *keys)
        if name:
            yield name


def _related(article: Fields) -> Iterator[tuple[str, str]]:
    """Yield the articles that this one names: its `related`, and a chef or other article in a field of its own."""
    linked = [entry for entry in article.values() if fields.mapping(entry).get("objectType") == "Article"]
    for entry in [*fields.objects(article.get("related")), *fields.objects(linked)]:
        facts = fields.mapping(entry.get("data")) or entry
        cms_id = fields.first(facts, "id")
        if cms_id:
            yield cms_id, fields.first(facts, "title")
