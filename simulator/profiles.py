"""The two installations of the CMS that the newsroom can play, as tables."""

from __future__ import annotations

from dataclasses import dataclass

CYCLE = 60  # articles after which the order of sections repeats; makes membership pure arithmetic


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication: a front, a language, and how its articles are addressed."""

    id: str
    name: str
    language: str
    front: str = "front"
    locale: str = ""
    article_prefix: str = ""
    section_prefix: str = "rubrique"
    content_type: tuple[str, str, str] = ("1", "Article", "article")
    access_groups: str = "[]"


@dataclass(frozen=True, slots=True)
class Section:
    """A category of the newsroom."""

    id: str
    name: str
    slug: str
    publication: str
    parent: str | None = None
    cover: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """One size in which every picture is offered."""

    alias: str
    x: int
    y: int
    filters: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One installation: names, sections, picture sizes, habits."""

    name: str
    title: str
    timezone: str
    key_env: str
    hosts: dict[str, str]
    publications: dict[str, Publication]
    sections: dict[str, Section]
    slots: tuple[tuple[str, ...], ...]
    sizes: tuple[Size, ...]
    paging: str
    first_id: int
    numbers_as_text: bool
    main_section: str


def _index(sections: tuple[Section, ...]) -> dict[str, Section]:
    return {section.id: section for section in sections}


def _slots(
    pattern: tuple[tuple[str, ...], ...], sections: dict[str, Section], extras: dict[int, tuple[str, ...]]
) -> tuple[tuple[str, ...], ...]:
    """Spread sections over the cycle: the primary from the pattern, further ones where the remainder says so."""
    by_slug = {section.slug: section.id for section in sections.values()}
    slots = []
    for slot in range(CYCLE):
        choices = pattern[slot % len(pattern)]
        named = [choices[(slot // len(pattern)) % len(choices)]]
        for divisor, further in extras.items():
            if slot % divisor == divisor - 1:
                named += [slug for slug in further if slug not in named]
        slots.append(tuple(by_slug[slug] for slug in named))
    return tuple(slots)


_DM_SECTIONS = _index(
    (
        Section("3", "Africa", "africa", "1"),
        Section("387188", "Maverick News", "maverick-news", "1"),
        Section("12", "South Africa", "south-africa", "1", cover=True),
        Section("3107", "Johannesburg", "johannesburg", "1", parent="12"),
        Section("16", "Business Maverick", "business-maverick", "1", cover=True),
        Section("21", "Maverick Life ", "maverick-life", "1", description="Food, walks and books.\r\nNothing urgent."),
        Section("25", "Sport", "sport", "1"),
        Section("5", "World", "world", "1"),
        Section("9041", "Our Burning Planet", "our-burning-planet", "1", parent="5"),
        Section("77", "Opinionistas", "opinionistas", "1"),
        Section("9042", "Rivers", "rivers", "1", parent="9041"),
    )
)
_DM_PATTERN = (
    ("africa",),
    ("south-africa",),
    ("africa",),
    ("business-maverick",),
    ("africa",),
    ("sport", "world"),
    ("south-africa", "johannesburg"),
    ("africa",),
    ("maverick-life",),
    ("our-burning-planet", "opinionistas", "rivers"),
)

DM = Profile(
    name="dm",
    title="Daily Maverick",
    timezone="Africa/Johannesburg",
    key_env="BACKFILE_DM_KEY",
    hosts={
        "front": "www.dailymaverick.co.za",
        "second": "www.dailymaverick.co.za",
        "short": "www.dailymaverick.co.za",
        "media": "cdn.dailymaverick.co.za",
        "api": "api.dailymaverick.co.za",
    },
    publications={"1": Publication("1", "Daily Maverick", "en")},
    sections=_DM_SECTIONS,
    slots=_slots(_DM_PATTERN, _DM_SECTIONS, {3: ("maverick-news",), 11: ("world",), 14: ("business-maverick",)}),
    sizes=(
        Size("url_thumbnail", 200, 100, "strip_exif()"),
        Size("url_medium", 450, 0),
        Size("url_large", 800, 0, "strip_exif()"),
        Size("url_xl", 1200, 0, "strip_exif()"),
        Size("url_xxl", 1600, 0, "strip_exif()"),
    ),
    paging="page",
    first_id=1_100_000,
    numbers_as_text=True,
    main_section="3",
)

_OLJ_SECTIONS = _index(
    (
        Section("2", "Liban", "liban", "1", cover=True, description="Le pays, jour après jour.\r\nEt ses nuits."),
        Section("4", "Moyen-Orient ", "moyen-orient-", "1"),
        Section("6", "Économie", "economie", "1"),
        Section("603", "Banques", "banques", "1", parent="6"),
        Section("8", "Culture", "culture", "1", cover=True),
        Section("977", "Lebanon", "lebanon", "5"),
        Section("978", "Business", "business", "5"),
        Section("1036", "À table", "a-table", "17", cover=True),
        Section("1037", "Recettes", "recettes", "17", parent="1036", cover=True),
        Section("1035", "Chefs", "chefs", "18", parent="1036"),
        Section("1201", "لبنان", "لبنان", "30"),
    )
)
_OLJ_PATTERN = (
    ("liban",),
    ("lebanon",),
    ("liban",),
    ("moyen-orient-", "culture"),
    ("liban",),
    ("economie", "banques"),
    ("lebanon", "business"),
    ("liban",),
    ("لبنان",),
    ("recettes", "recettes", "recettes", "recettes", "recettes", "chefs"),
)

OLJ = Profile(
    name="olj",
    title="L’Orient-Le Jour",
    timezone="Asia/Beirut",
    key_env="BACKFILE_OLJ_KEY",
    hosts={
        "front": "www.lorientlejour.com",
        "second": "today.lorientlejour.com",
        "short": "olj.me",
        "media": "s.lorientlejour.com",
        "api": "api.lorientlejour.com",
    },
    publications={
        "1": Publication("1", "L'Orient-Le Jour", "fr", locale="fr-FR", access_groups='["olj","premium"]'),
        "5": Publication("5", "English", "en", front="second", section_prefix="section"),
        "17": Publication(
            "17",
            "A table - OLJ",
            "fr",
            locale="fr-FR",
            article_prefix="cuisine-liban-a-table",
            section_prefix="cuisine-liban-a-table",
            content_type=("4", "Recipes", ""),
        ),
        "18": Publication(
            "18", "Chef", "fr", locale="fr-FR", section_prefix="category", content_type=("5", "Chef", "")
        ),
        "30": Publication("30", "لوريان", "ar", locale="ar-LB", section_prefix="dossier"),
    },
    sections=_OLJ_SECTIONS,
    slots=_slots(_OLJ_PATTERN, _OLJ_SECTIONS, {7: ("economie",), 13: ("moyen-orient-",)}),
    sizes=(
        Size("url_thumbnail", 245, 164),
        Size("url_medium", 400, 270),
        Size("url_large", 800, 600),
        Size("url_home_slideshow", 1200, 800),
        Size("url_highres", 2400, 1600),
    ),
    paging="broken",
    first_id=1_200_000,
    numbers_as_text=False,
    main_section="2",
)

PROFILES: dict[str, Profile] = {"dm": DM, "olj": OLJ}
