"""From an article's JSON text to what is archived of it: a tolerant view of its fields (contract 4). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from crawler import drift, signals, urls
from crawler.cms import api, canonical, dates, fields, html, jsontext, media, terms
from crawler.errors import BadURL, ParseError
from crawler.sites import Site, host_of
from crawler.targets import Target, TargetKind, article_target, classify, grammar, listing_target
from storage.records import ArticleRecord, Source

_ID: Final = re.compile(r"[1-9][0-9]{0,17}")
_SIGNATURE: Final = re.compile(r"Article:([1-9][0-9]{0,17})")
_ESCAPED_LETTER: Final = re.compile(r"\\u00[4-7]")  # in JSON: of @ to DEL, among which are all letters of `Article`
_UNDATED: Final = re.compile(r"/article/(?![0-9]{4}-[0-9]{2}-[0-9]{2}-)")
_BODY_KEYS: Final = ("contents", "summary", "introduction")  # empty in compact objects (contract 3.1, 3.2)
_TELLING_KEYS: Final = ("title", "contents", "url", "slug", "signature", "teaser")
_SUMMARY_KEYS: Final = ("summary", "description", "short_summary")


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is archived, and where it leads."""

    record: ArticleRecord
    linked_ids: tuple[str, ...]  # articles embedded in it in compact form, which need a request of their own
    compact: bool  # its texts were left out, as in lists
    public: bool
    shape: drift.Shape = frozenset()

    def links(self, site: Site) -> tuple[Target, ...]:
        """Return the listings of the article's categories, keywords and authors."""
        return tuple(
            listing_target(site, TargetKind(term.kind), term.cms_id, term.slug, term.url) for term in self.record.terms
        )


def read(text: str, site: Site, source: Source) -> Article:
    """Read the exact JSON text of an article object; `record.json` is that text.

    Raises ParseError when it is no article, has no usable id, or is nested too deeply.
    """
    return of(jsontext.decode(text), text, site, source)


def of(decoded: object, text: str, site: Site, source: Source) -> Article:
    """Read an article object, given what its JSON text means and that text itself. Raises ParseError as `read` does."""
    article = _checked(decoded)
    cms_id = id_of(article)
    record = _record(article, cms_id, text, site, source)
    public = record.status in ("", "publish")
    linked = linked_ids(article, cms_id, text)
    return Article(record, linked, is_compact(article), public, drift.shape_of(article, record.content_type))


def parse(text: str) -> Mapping[str, object]:
    """Return the decoded article object. Raises ParseError when it is something else."""
    return _checked(jsontext.decode(text))


def _checked(article: object) -> Mapping[str, object]:
    if not isinstance(article, dict):
        raise ParseError(f"not an article object but {_kind_of_json(article)}")
    kind = fields.first(article, "objectType")
    if kind and kind.lower() != "article":
        raise ParseError(f"not an article but an object of type {urls.display(kind, 40)}")
    if not any(article.get(key) for key in _TELLING_KEYS):
        raise ParseError("not an article: the object has neither title, contents nor URL")
    return article


def id_of(article: Mapping[str, object]) -> str:
    """Return the article's id, from `id` or `signature` and never from a slug. Raises ParseError when there is none."""
    cms_id = fields.first(article, "id")
    if _ID.fullmatch(cms_id):
        return cms_id
    signature = _SIGNATURE.fullmatch(fields.first(article, "signature"))
    if signature:
        return signature[1]
    raise ParseError(f"the article has no usable id: {urls.display(repr(article.get('id')), 40)}")


def is_compact(article: Mapping[str, object]) -> bool:
    """Say whether an article's texts were left out, as lists and links do (contract 3.2)."""
    length = fields.integer(article.get("content_length")) or 0
    return length > 0 and not any(fields.html(article.get(key)) for key in _BODY_KEYS)


def linked_ids(article: Mapping[str, object], own_id: str, text: str) -> tuple[str, ...]:
    """Return the ids of the articles nested in this one, whose JSON is `text`, in order, each once."""
    related = fields.objects(article.get("related"))  # whose items may not say what they are
    nested = [fields.mapping(item.get("data")) or item for item in related]
    if _may_nest(article, text):
        nested += _nested_articles(article)
    found = [fields.first(one, "id") for one in nested]
    return tuple(dict.fromkeys(cms_id for cms_id in found if _ID.fullmatch(cms_id) and cms_id != own_id))


def _may_nest(article: Mapping[str, object], text: str) -> bool:
    """Say whether `Article` stands in the JSON more often than as the type of this one; it may hide in an escape."""
    kind = article.get("contentType")
    own = [*article.values(), kind.get("name") if isinstance(kind, dict) else None]
    return text.count('"Article"') > own.count("Article") or _ESCAPED_LETTER.search(text) is not None


def _nested_articles(article: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield objects of type Article at any depth."""
    waiting: list[object] = _containers(article.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("objectType") == "Article":
                yield value
            waiting += _containers(value.values())
        elif isinstance(value, list):
            waiting += _containers(value)


def _containers(values: Iterable[object]) -> list[object]:
    """Return what may hold objects, last first, so that a stack gives it back in order."""
    found: list[object] = [value for value in values if isinstance(value, (dict, list))]
    return found[::-1]


def _record(article: Mapping[str, object], cms_id: str, text: str, site: Site, source: Source) -> ArticleRecord:
    filed = terms.filed(article)
    content_hash = canonical.content_hash(article, filed)  # first, since it refuses what is nested too deeply
    published, updated = fields.first(article, "firstPublished"), fields.first(article, "lastUpdate")
    prose = _prose(article)
    url = _url(article, cms_id, site)
    return ArticleRecord(
        site=site.name,
        cms_id=cms_id,
        url=url,
        title=_title(article),
        status=fields.first(article, "status"),
        content_type=_content_type(article),
        first_published=dates.instant(published, site.timezone),
        first_published_raw=published or None,
        last_update=dates.instant(updated, site.timezone),
        last_update_raw=updated or None,
        summary=_summary(article),
        text=prose.text,
        word_count=prose.words,
        content_hash=content_hash,
        json=text,
        source=source,
        terms=terms.read(filed),
        renditions=media.renditions(article, site.base_url),
        paths=_paths(article, site),
        signals=_signals(article),
    )


def _signals(article: Mapping[str, object]) -> str:
    """Return what a list would say of the article, to be compared with what lists will say (contract 7.2)."""
    listed = api.listed(article)
    return "" if listed is None else signals.encode(signals.signals(listed))


def _title(article: Mapping[str, object]) -> str:
    """Return the title as plain text, as it was sent (contract 8, question 16)."""
    return fields.first(article, "title") or fields.first(fields.mapping(article.get("seo")), "search_title")


def _content_type(article: Mapping[str, object]) -> str:
    kind = article.get("contentType")
    return fields.text(kind) or fields.first(fields.mapping(kind), "name", "slug", "id")


def _summary(article: Mapping[str, object]) -> str:
    found = (html.prose(fields.html(article.get(key))).text for key in _SUMMARY_KEYS)
    return next((text for text in found if text), "")


def _prose(article: Mapping[str, object]) -> html.Prose:
    parts = [html.prose(found) for key in ("introduction", "contents") if (found := fields.html(article.get(key)))]
    return html.Prose("\n\n".join(part.text for part in parts if part.text), sum(part.words for part in parts))


def _url(article: Mapping[str, object], cms_id: str, site: Site) -> str:
    return urls.join(site.base_url, fields.first(article, "url")) or article_target(site, cms_id).url


def _paths(article: Mapping[str, object], site: Site) -> tuple[str, ...]:
    """Return the keys of the paths that lead to this article and no other: undated slugs collide (contract 8, 9)."""
    found = []
    for name in ("url", "shorturl"):
        path = _path_on_site(urls.join(site.base_url, fields.first(article, name)), site)
        if path.startswith("/") and not _UNDATED.match(path):
            found.append(f"{site.name}:{path}")
    return tuple(dict.fromkeys(found))


def _path_on_site(url: str, site: Site) -> str:
    """Return the key of an article's URL on any front of the CMS, `staging.` and `prod.` included (contract 1)."""
    longest = _longest_path(host_of(url), site)
    try:
        path = urls.path_key(url) if longest else ""
    except BadURL:
        return ""
    meaning = grammar.read(path) if 0 < len(path) <= longest else None
    return meaning.key if meaning is not None and meaning.kind is TargetKind.ARTICLE else ""


@lru_cache(maxsize=1024)
def _longest_path(host: str, site: Site) -> int:
    """Return how long a path found on a host may be to make a URL with the site's own address; 0 of strange hosts."""
    fronts = {front.removeprefix("www.") for front in site.page_hosts}
    if not host or not any(host == front or host.endswith(f".{front}") for front in fronts):
        return 0
    base = urlsplit(site.base_url)
    origin = f"{base.scheme}://{base.netloc}"
    home = classify(f"{origin}/", (site,))
    return urls.MAX_LENGTH - max(len(origin), len(urls.canonical(origin)) - 1) if isinstance(home, Target) else 0


def _kind_of_json(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")
