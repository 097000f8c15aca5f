"""Categories, keywords and authors as the CMS writes them, with their addresses and their staleness."""

from __future__ import annotations

import json
from typing import Any

from simulator import names
from simulator.addresses import Addresses
from simulator.chance import roll
from simulator.corpus import Corpus
from simulator.media import Pictures
from simulator.profiles import Publication, Section


class Taxonomy:
    """Builds the objects that articles are filed under."""

    def __init__(self, corpus: Corpus, addresses: Addresses, pictures: Pictures) -> None:
        self.corpus, self.addresses, self.pictures, self.profile = corpus, addresses, pictures, corpus.profile

    def publication_of(self, section: str) -> Publication:
        """Return the publication of a section."""
        return self.profile.publications[self.corpus.section(section).publication]

    def section_url(self, section: Section) -> str:
        """Return the address of a section as the JSON gives it."""
        if self.profile.name == "dm":
            return f"{self.addresses.front}/category/{section.slug}/"
        publication = self.profile.publications[section.publication]
        base, slug = self.addresses.base(publication), names.slugify(section.slug)
        return f"{base}/{publication.section_prefix}/{section.id}-{slug}"

    def keyword_url(self, keyword: str) -> str:
        """Return the address of a keyword's page."""
        slug = names.slug_of(self.corpus.topic_name(keyword))
        if self.profile.name == "dm":
            return f"{self.addresses.front}/article_tag/{slug}/"
        return f"{self.addresses.front}/keyword/{keyword}-{slug}"

    def author_url(self, author: str) -> str:
        """Return the address of an author's page."""
        slug = names.slug_of(self.corpus.author_name(author))
        if self.profile.name == "dm":
            return f"{self.addresses.front}/author/{slug}/"
        return f"{self.addresses.front}/author/{author}-{slug}"

    def type_of(self, publication: Publication) -> dict[str, Any]:
        """Return the `typeId` object: the publication seen from a category."""
        kind: dict[str, Any] = {
            "typeId": publication.id,
            "name": publication.name,
            "slug": "",
            "includeInIssue": "0",
            "shortened_domain": "",
            "stylesheetClass": "",
            "domain": self.addresses.base(publication).split("://", 1)[1],
            "articleUrlPrefix": publication.article_prefix,
            "access_groups": publication.access_groups,
            "locale": publication.locale,
            "preview_limit": "850" if self.profile.name == "olj" else None,
        }
        if self.profile.name == "olj":
            kind |= {"sitemapUrlPrefix": None, "authorUrlPrefix": None}
        return kind

    def category(self, section_id: str, observer: int = 0, typed: bool = True) -> dict[str, Any]:
        """Return a category as one observer's stale snapshot shows it."""
        section = self.corpus.section(section_id)
        stale = self.corpus.quirks and roll(self.corpus.seed, observer, section_id, 3) == 0
        entry: dict[str, Any] = {"id": section.id, "name": section.name}
        if not stale:
            entry["seo_name"] = section.name.strip()
        entry |= {"signature": f"Category:{section.id}", "slug": section.slug}
        if typed:
            entry["typeId"] = self.type_of(self.profile.publications[section.publication])
        return entry | self._category_rest(section, observer, stale)

    def _category_rest(self, section: Section, observer: int, stale: bool) -> dict[str, Any]:
        url, cover = self.section_url(section), self.pictures.cover(section.id)
        if self.corpus.quirks and self.profile.name == "olj" and roll(self.corpus.seed, observer, "slashes", 10) == 0:
            url = f"{url.rsplit('/', 2)[0]}//{url.rsplit('/', 1)[1]}"
        return {
            "parentId": section.parent,
            "parent": self.category(section.parent, observer + 1, typed=False) if section.parent else [],
            "image": "",
            "cover": self.pictures.url(cover) if cover else "",
            "logo": "",
            "paid": "0",
            "objectType": "Category",
            "url": url,
            "cssCode": "",
            "template": "default",
            "tagline": "",
            "link_param": None,
            "description": section.description,
            "metaDescription": "",
            "order": "0",
            "pageId": None,
            "articlesCount": None if stale else str(self._founding_articles(section.id)),
            "allowComments": "1",
            "accessType": "freecount",
            "status": "1",
            "children": [],
            "cached": not stale,
        }

    def _founding_articles(self, section_id: str) -> int:
        """Return the number that categories state, which nobody has brought up to date since."""
        slots = (slot for slot, ids in enumerate(self.profile.slots) if section_id in ids)
        return len(self.corpus.in_slots(tuple(slots)))

    def category_with_children(self, section_id: str) -> dict[str, Any]:
        """Return a category as its own view shows it: with its children."""
        children = [s.id for s in self.profile.sections.values() if s.parent == section_id]
        return self.category(section_id) | {"children": [self.category(child, typed=False) for child in children]}

    def keyword(self, keyword: str, old: bool = False) -> dict[str, Any]:
        """Return a keyword as articles carry it."""
        name = self.corpus.topic_name(keyword)
        olj = self.profile.name == "olj"
        data: dict[str, Any] = {
            "keywordId": keyword,
            "name": name.lower() if olj else name,
            "url": self.keyword_url(keyword),
            "slug": names.slug_of(name),
            "description": ("", None, "<p><br></p>")[int(keyword) % 3] if olj else "",
            "articlesCount": 0,
            "replacedWith": self.corpus.changes.merged.get(keyword),
            "display_name": name if int(keyword) % 5 else None,
            "translations": _translations(name) if olj and int(keyword) % 2 else None,
        }
        return {"type": "Keyword", "data": data if old else data | {"collection_id": None, "image": ""}}

    def author(self, author: str, old: bool = False) -> dict[str, Any]:
        """Return an author as articles carry it."""
        name, portrait = self.corpus.author_name(author), self.pictures.portrait(author)
        entry: dict[str, Any] = {"id": author, "name": name, "image": self.pictures.url(portrait) if portrait else ""}
        if not old:
            sizes = self.pictures.transforms(portrait) if portrait else self.pictures.no_transforms()
            entry["image_transforms"] = sizes
        entry |= {
            "url": self.author_url(author),
            "editorialName": names.slugify(name) if old else "",
            "department": "",
            "name_latin": "",
        }
        return entry | ({"biography": f"{name} writes for the box."} if int(author) % 4 == 0 else {})


def _translations(name: str) -> str:
    """Return the translations of a keyword: JSON text inside the JSON."""
    meta = {"metatitle": name, "metadescription": ""}
    shown = {"displayname": name, "description": ""} | meta
    return json.dumps({"default": meta, "en": shown, "fr": shown}, ensure_ascii=False)
