"""Articles as the CMS's API writes them, computed from their place in the corpus."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from simulator import bodies, names
from simulator.addresses import Addresses
from simulator.chance import Dice, mix, roll
from simulator.corpus import Corpus
from simulator.events import Way
from simulator.measures import content_length, time_to_read, without_tags
from simulator.media import Pictures
from simulator.profiles import CYCLE, Publication
from simulator.taxonomy import Taxonomy
from simulator.words import TONGUES

Json = dict[str, Any]
EMPTY_IN_LISTS = ("contents", "summary", "introduction")
CHEF_SLOT = 59  # the one place in the cycle where the recipes' publication shows a chef


def compact(article: Json) -> Json:
    """Return the article as lists and links carry it: without its long texts."""
    return article | {key: "" for key in EMPTY_IN_LISTS if key in article}


class Writer:
    """Writes any article of the corpus, always the same way.

    `founding` are the addresses that links inside texts were written with: nobody rewrites them when the site moves.
    """

    def __init__(self, corpus: Corpus, addresses: Addresses, founding: Addresses | None = None) -> None:
        self.corpus, self.addresses, self.founding = corpus, addresses, founding or addresses
        self.profile = corpus.profile
        self.pictures = Pictures(corpus, addresses)
        self.taxonomy = Taxonomy(corpus, addresses, self.pictures)

    def publication(self, index: int) -> Publication:
        """Return the publication of an article's primary section."""
        return self.taxonomy.publication_of(self.corpus.sections(index)[0])

    def is_old(self, index: int) -> bool:
        """Say whether an article still has the shape of the staging era."""
        return self.corpus.quirks and self.profile.name == "dm" and roll(self.corpus.seed, index, "old", 7) == 0

    def _quirk(self, index: int, question: str, one_in: int) -> bool:
        return self.corpus.quirks and roll(self.corpus.seed, index, question, one_in) == 0

    def headline(self, index: int) -> str:
        """Return the headline without ornaments."""
        language = self.publication(index).language
        if language == "en":
            return self.corpus.headline(index)
        text = TONGUES[language].headline(mix(self.corpus.seed, self.corpus.headline_number(index)))
        return text[0].upper() + text[1:]

    def title(self, index: int) -> str:
        """Return the headline as editors typed it: spaces, guillemets and all."""
        text = self.headline(index)
        if self._quirk(index, "double space", 11):
            text = text.replace(" ", "  ", 1)
        if self._quirk(index, "guillemets", 8):
            first, _, rest = text.partition(" ")
            text = f"«\u00a0{first}\u00a0» {rest}"
        if self._quirk(index, "kicker", 13):
            text = f"Analysis: {text}"
        if self._quirk(index, "punctuation", 10):
            text = f"{text}?"
        if edits := self.corpus.state(index).titles:
            text = f"{text} (updated {edits})"
        return f"{text} " if self._quirk(index, "trailing space", 12) else text

    def slug(self, index: int) -> str:
        """Return the slug, which the headline alone does not always explain."""
        slug = names.slugify(self.headline(index))
        return f"{slug}-" if self._quirk(index, "punctuation", 10) else slug

    def url(self, index: int) -> str:
        """Return the canonical address."""
        return self._url(index, self.addresses)

    def _url(self, index: int, addresses: Addresses) -> str:
        if self.profile.name == "dm":
            opinion = self.profile.sections[self.corpus.sections(index)[0]].slug == "opinionistas"
            kind = "opinionista" if opinion else "article"
            return f"{addresses.front}/{kind}/{self.corpus.published(index):%Y-%m-%d}-{self.slug(index)}/"
        publication = self.publication(index)
        prefix = publication.article_prefix or "article"
        return f"{addresses.base(publication)}/{prefix}/{self.corpus.id(index)}/{quote(self.slug(index))}.html"

    def short_url(self, index: int) -> str:
        """Return the short address."""
        where = "article/" if self.profile.name == "dm" else ""
        return f"{self.addresses.short}/{where}{self.corpus.id(index)}"

    def article(self, index: int) -> Json:
        """Return the whole article."""
        old = self.is_old(index)
        texts, extras = self._texts(index)
        head = self._head(index, old)
        body = self._filing(index, old) | self._body(index, old, texts)
        tail = self._tail(index, old, texts, extras)
        return head | body | tail

    def _head(self, index: int, old: bool) -> Json:
        article_id, publication = self.corpus.id(index), self.publication(index)
        content_type = dict(zip(("id", "name", "slug"), publication.content_type, strict=True))
        state = self.corpus.state(index)
        status = "publish" if state.way in (None, Way.UNLISTED) else str(state.way)
        start: Json = {"access_control": False, "status": status} if old else {}
        start |= {
            "objectType": "Article",
            "id": article_id,
            "signature": f"Article:{article_id}",
            "url": self.url(index),
            "shorturl": self.short_url(index),
            "slug": self.slug(index),
            "contentType": content_type if old else content_type | {"editor": "default"},
            "views": roll(self.corpus.seed, index, "views", 29_860) + state.views if self.profile.name == "olj" else 0,
            "comments": roll(self.corpus.seed, index, "comments", 4) + state.views,
            "preview_limit": "850" if self.profile.name == "olj" else None,
        }
        if not old:
            rated = roll(self.corpus.seed, index, "rating", 3) == 0
            start |= {"rating": 4.67, "rating_count": 3} if rated else {"rating": 0}
        start["excludedFromGoogleSearchEngine"] = int(roll(self.corpus.seed, index, "hidden", 20) == 0)
        start |= {} if old else {"status": status}
        published = str(self.corpus.published(index))
        return start | {"title": self.title(index), "firstPublished": published, "lastUpdate": self._updated(index)}

    def _updated(self, index: int) -> str:
        """Return when the article was last edited, as far as its editors said so."""
        state, moment = self.corpus.state(index), str(self.corpus.published(index))
        if state.updated is not None or state.published is not None:
            return str(state.updated or moment)
        later = self.profile.name == "dm" and roll(self.corpus.seed, index, "update", 4) == 0
        return moment[:-5] + "59:59" if later else moment

    def _filing(self, index: int, old: bool) -> Json:
        sections = self.corpus.sections(index)
        observer = int(self.corpus.id(index))
        return {
            "categories": [
                self.taxonomy.category(section, observer + place, typed=old or not self.corpus.quirks or place == 0)
                for place, section in enumerate(sections)
            ],
        }

    def _body(self, index: int, old: bool, texts: Json) -> Json:
        access: Json = {}
        if not old:
            groups = ["olj", "premium"] if self.profile.name == "olj" and index % 4 == 0 else []
            access = {"access_groups": groups, "access_control": False, "counted_in_paywall": True}
        authors = [self.taxonomy.author(author, old) for author in self.corpus.authors(index)]
        entry = access | {"content_length": content_length(texts["contents"]), "contents": texts["contents"]}
        if self.profile.name == "dm":
            entry["teaser"] = self.title(index)
        entry |= {"externalUrl": "", "sponsor": self._sponsor(index), "authors": authors}
        if not old and (self.profile.name == "olj" or index % 3 == 0):
            entry["byline"] = f"By {authors[0]['name']}" if authors else ""
        return entry | {
            "description": texts["description"],
            "keywords": [self.taxonomy.keyword(keyword, old) for keyword in self.corpus.topics(index)],
        }

    def _sponsor(self, index: int) -> Json | None:
        if not self._quirk(index, "sponsor", 40):
            return None
        return {"id": "9", "name": "The Savings Society", "image": "", "url": "https://sponsor.example/"}

    def _texts(self, index: int) -> tuple[Json, Json]:
        """Return the long texts, and what had to be known to write them."""
        dm, tongue = self.profile.name == "dm", TONGUES[self.publication(index).language]
        dice = Dice(self.corpus.seed, index, 1)
        inline = [self.pictures.attachment(picture, inline=True) for picture in self.pictures.inline(index)]
        video = f"bx{int(self.corpus.id(index)):09d}" if self._quirk(index, "video", 8) else None
        pixel = f"https://counter.theconversation.com/content/{self.corpus.id(index)}/count.gif"
        insert = bodies.Insert(
            pictures=tuple(inline),
            links=self._links(index),
            video=video,
            pixel=pixel if dm and self._quirk(index, "pixel", 15) else None,
            closing="DM" if dm else "",
        )
        wp = dm and (self.is_old(index) or roll(self.corpus.seed, index, "imported", 3) == 0)
        contents = (bodies.imported if wp else bodies.native)(tongue, dice, insert)
        contents += "".join(bodies.correction(times) for times in range(1, self.corpus.state(index).texts + 1))
        summary = tongue.sentence(dice)
        texts = {
            "contents": contents,
            "summary": summary + " " if wp else f"<p>{summary}</p>",
            "introduction": "<p><br></p>" if dice.chance(3) else f"<p>{tongue.sentence(dice)}</p>",
            "description": "" if dm else tongue.sentence(dice),
        }
        return texts, {"inline": inline, "video": video}

    def _links(self, index: int) -> tuple[str, ...]:
        """Return links in the text: to an older article of ours, and away."""
        links = [f"https://example.org/report/{index}"]
        if index >= 11:
            older = self._url(index - 11, self.founding)
            links.append(f"{older}?utm_source=box&utm_medium=body" if index % 2 else older)
        return tuple(links)

    def _tail(self, index: int, old: bool, texts: Json, extras: Json) -> Json:
        main = [self.pictures.attachment(picture) for picture in self.pictures.main(index)]
        short = None if old else TONGUES[self.publication(index).language].sentence(Dice(self.corpus.seed, index, 2))
        entry: Json = {"short_summary": short} if self.profile.name == "dm" else {}
        entry |= {"source": None, "related": self._related(index)} if self.profile.name == "dm" else {}
        custom = self._custom(index)
        entry |= {"options": custom or [], "attachments": main}
        inline = list(extras["inline"])
        orphan = self.pictures.orphan(index)
        if orphan:
            inline.append(self.pictures.orphan_attachment(orphan))
        if inline:
            entry["inline_attachments"] = inline
        entry["summary"] = texts["summary"]
        if not old:
            entry["introduction"] = texts["introduction"]
        entry |= self._house_fields(index, old) if self.profile.name == "dm" else self._hoisted(index, custom)
        entry["elements"] = {"youtube": [extras["video"]]} if extras["video"] else []
        entry["seo"] = self._seo(index, texts)
        if not old:
            entry["time_to_read"] = time_to_read(texts["contents"], texts["introduction"], texts["summary"])
        entry["cached"] = True
        return entry | ({"access_allowed": True} if old else {})

    def _related(self, index: int) -> list[Json]:
        if index < 3 or not self._quirk(index, "related", 30):
            return []
        kept = ("objectType", "id", "signature", "url", "title", "firstPublished")
        other = index - 3
        known = ("Article", self.corpus.id(other), f"Article:{self.corpus.id(other)}", self.url(other))
        facts = dict(zip(kept, (*known, self.title(other), str(self.corpus.published(other))), strict=True))
        return [facts | dict.fromkeys(EMPTY_IN_LISTS, "")]

    def _house_fields(self, index: int, old: bool) -> Json:
        label = "THE CONVERSATION" if self._quirk(index, "label", 6) else None
        entry: Json = {"template_type": None if old else "article_layout_two", "dm_custom_section_label": label}
        if old:
            return entry
        hyphen = self._quirk(index, "hyphens", 4)
        themes = {"dm_key_theme": ["Water"], "dm_article_theme": ["Public life"], "dm_user_need": ["Update me"]}
        for name, value in themes.items():
            entry[name.replace("_", "-") if hyphen else name] = value[0] if hyphen else value
        return entry | {"dm-disable-comments": False, "_show_ads": "all_devices", "_ad_type": "all_types"}

    def chef_of(self, index: int) -> int | None:
        """Return the chef whose recipe this is."""
        chef = index // CYCLE * CYCLE + CHEF_SLOT
        recipe = self.publication(index).content_type[1] == "Recipes"
        return chef if recipe and chef < self.corpus.founded else None

    def _custom(self, index: int) -> Json:
        kind = self.publication(index).content_type[1]
        if self.profile.name == "dm" or kind == "Chef":
            return {}
        custom: Json = {"freemium": "0" if index % 2 else 1, "subtitle": "", "tag": "Reportage " if index % 3 else ""}
        if kind == "Recipes":
            chef = self.chef_of(index)
            custom |= {
                "recipe_name": self.headline(index),
                "preparation_time": (25, "40 (et 240 minutes de repos)", "")[index % 3],
                "cooking_time": ("35", 50, "")[index % 3],
                "persons": "6",
                "difficulty": "Facile ",
                "astuce": "",
                "recipe_history_title": "",
            }
            custom |= {"chef": int(self.corpus.id(chef))} if chef is not None else {}
        return custom

    def _hoisted(self, index: int, custom: Json) -> Json:
        """Return the custom fields again, at the top level and resolved."""
        hoisted = dict(custom)
        if "freemium" in hoisted:
            hoisted["freemium"] = bool(int(hoisted["freemium"]))
        chef = self.chef_of(index)
        if chef is not None:
            hoisted["chef"] = compact(self.article(chef))
        return hoisted

    def _seo(self, index: int, texts: Json) -> Json:
        social = self.pictures.social(index)
        short = texts["description"] or texts["contents"][:200]
        if self.publication(index).content_type[1] == "Chef":
            short = without_tags(texts["summary"]) + "…"
        searched = f"{self.headline(index)} | Box" if self._quirk(index, "seo title", 9) else self.title(index)
        return {
            "search_title": searched,
            "search_description": short,
            "social_title": self.title(index),
            "social_description": short,
            "social_image": self.pictures.url(social) if social else "",
        }
