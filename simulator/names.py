"""Names that can be computed from a number and turned back into it: headlines, topics, people."""

from __future__ import annotations

import re
import unicodedata
from math import prod

from simulator.chance import Shuffle
from simulator.words import ENGLISH, Tongue


def slugify(text: str) -> str:
    """Return the CMS's slug of a text: Latin letters lose their accents, other scripts stay."""
    bare = text.lower().replace("’", "").replace("'", "")
    plain = "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c))
    return re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", plain)).strip("-")


def slug_of(name: str) -> str:
    """Return the slug of a name, which drops inner hyphens."""
    return slugify(name.replace("-", ""))


class Names:
    """Every combination of some word lists, in an order fixed by the seed."""

    def __init__(self, lists: tuple[tuple[str, ...], ...], seed: int, pattern: str) -> None:
        self._lists = lists
        self._pattern = pattern
        self._shuffle = Shuffle(prod(len(words) for words in lists), seed)
        self._slugs = tuple({slug_of(word): place for place, word in enumerate(words)} for words in lists)
        groups = ("|".join(sorted(map(re.escape, slugs), key=len, reverse=True)) for slugs in self._slugs)
        self._parser = re.compile("-".join(f"({group})" for group in groups) + r"(?:-(\d+)(?=-|$))?")

    def __getitem__(self, number: int) -> str:
        """Return the name with this number."""
        rounds, number = divmod(number, self._shuffle.size)
        rest, digits = self._shuffle.forth(number), []
        for words in self._lists:
            rest, digit = divmod(rest, len(words))
            digits.append(words[digit])
        name = self._pattern.format(*digits)
        return f"{name} {rounds + 1}" if rounds else name

    def find(self, slug: str) -> int | None:
        """Return the number of the name that this slug starts with, if it is one of ours."""
        match = self._parser.match(slug)
        if match is None:
            return None
        *parts, rounds = match.groups()
        mixed, weight = 0, 1
        for words, slugs, part in zip(self._lists, self._slugs, parts, strict=True):
            mixed += slugs[part] * weight
            weight *= len(words)
        return self._shuffle.back(mixed) + (int(rounds) - 1 if rounds else 0) * self._shuffle.size


def headlines(seed: int, tongue: Tongue = ENGLISH) -> Names:
    """Headlines of a language."""
    return Names((tongue.who, tongue.does, tongue.what, tongue.where, tongue.when), seed, "{} {} {} {} {}")


def _list(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split(";"))


_HUES = _list("""
    Amber; Azure; Bronze; Cobalt; Copper; Coral; Crimson; Golden; Indigo; Ivory; Jade; Lilac; Ochre; Olive; Opal;
    Pearl; Russet; Scarlet; Silver; Slate; Teal; Umber; Violet; White
""")
_THINGS = _list("""
    Aloe; Anchor; Baobab; Beacon; Cedar; Comet; Delta; Falcon; Harbour; Heron; Island; Jetty; Kestrel; Lagoon;
    Lantern; Marula; Meadow; Orchard; Plateau; Quarry; Savanna; Summit; Valley; Wetland
""")
_AFFAIRS = _list("""
    affair; auction; blackout; boycott; budget; census; charter; drought; election; festival; flood; hearing;
    inquiry; lease; levy; merger; petition; pipeline; recall; referendum; relocation; strike; summit; tender;
    treaty; trial
""")
_BODIES = _list("""
    Academy; Agency; Alliance; Bank; Bureau; Chamber; Coalition; Commission; Company; Cooperative; Council;
    Foundation; Fund; Institute; League; Museum; Network; Observatory; Party; Society; Trust; Tribunal; Union;
    University
""")
_FIRST = _list("""
    Amina; Bénédicte; Chipo; Dawit; Élodie; Farid; Grace; Hanan; Ibrahim; Joëlle; Karim; Lerato; Mandla; Nadia;
    Olivier; Palesa; Quentin; Rania; Sipho; Thandi; Umar; Véronique; Walid; Yara; Zanele
""")
_MIDDLE = tuple("ABCDEFGHJKLMNPRSTVWYZ")
_LAST = _list("""
    Abdallah; Bénit-Gbaffou; Chalhoub; Dlamini; Essien; Fakhoury; Gédéon; Haddad; Ikande; Jansen; Koné; Lemaître;
    Mokoena; Ndlovu; Okafor; Pillay; Quenum; Ramaila; Saïd; Traoré; Uwimana; Venter; Wehbé; Yared; Zulu
""")


def affairs(seed: int) -> Names:
    """Running stories, such as 'Amber Heron inquiry'."""
    return Names((_HUES, _THINGS, _AFFAIRS), seed, "{} {} {}")


def bodies(seed: int) -> Names:
    """Organisations, such as 'Silver Delta Council'."""
    return Names((_HUES, _THINGS, _BODIES), seed, "{} {} {}")


def institutions(seed: int) -> Names:
    """Institutions that are always in the news, such as 'Teal Tribunal'."""
    return Names((_HUES, _BODIES), seed, "{} {}")


def people(seed: int) -> Names:
    """People, such as 'Thandi M Koné'."""
    return Names((_FIRST, _MIDDLE, _LAST), seed, "{} {} {}")
