"""Pictures of the newsroom as the CMS describes them: keys, sizes, signed URLs."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.addresses import Addresses
from simulator.chance import Dice, roll
from simulator.corpus import Corpus
from simulator.profiles import Size
from simulator.states import place_of

_SHAPES = ((1200, 800), (1600, 1067), (642, 428), (800, 1200), (1920, 1080), (960, 960))
_NOUNS = (
    "Harbour",
    "Bridge",
    "Valley",
    "Market",
    "Museum",
    "Station",
    "River",
    "School",
    "Garden",
    "Tower",
    "Bay",
    "Dam",
)
_FORMATS = ("jpg",) * 9 + ("png", "webp", "gif")
SCENES = 36  # each has one shape and one format, so that few encodings serve any number of pictures
INLINE, ORPHAN, SOCIAL = 4, 7, 8  # picture numbers of an article: 0-2 main, 4-5 inline, 7 orphan, 8 social


@dataclass(frozen=True, slots=True)
class Original:
    """A picture as it was uploaded."""

    id: str
    key: str
    width: int
    height: int
    scene: int
    caption: str = ""
    corrections: int = 0  # how often its caption was edited
    version: int = 0  # how often other bytes took its place
    since: datetime | None = None  # the instant when the latest did

    @property
    def extension(self) -> str:
        """The file name's extension, which is the truth about the format."""
        return self.key.rsplit(".", 1)[-1].lower()


class Pictures:
    """Every picture of a newsroom, found by article, by author, by section or by key."""

    def __init__(self, corpus: Corpus, addresses: Addresses) -> None:
        self.corpus, self.addresses, self.profile = corpus, addresses, corpus.profile
        self._secret = f"newsroom-{corpus.seed}".encode()

    def main(self, index: int) -> list[Original]:
        """Return the main pictures of an article: none, one, or up to three."""
        return [self._of_article(index, place) for place in self.main_places(index)]

    def main_places(self, index: int) -> tuple[int, ...]:
        """Return the places of the main pictures of an article."""
        places = self.corpus.state(index).pictures
        if places is not None:
            return places
        return tuple(range((0, 1, 1, 1, 1, 1, 1, 2, 2, 3)[roll(self.corpus.seed, index, "pictures", 10)]))

    def inline(self, index: int) -> list[Original]:
        """Return the pictures inside the text."""
        number = (0, 0, 0, 0, 1, 2)[roll(self.corpus.seed, index, "inline", 6)] if self.corpus.quirks else 0
        return [self._of_article(index, INLINE + place) for place in range(number)]

    def orphan(self, index: int) -> Original | None:
        """Return the picture that hangs on the article without belonging to it."""
        wanted = self.corpus.quirks and roll(self.corpus.seed, index, "orphan", 9) == 0
        return self._of_article(index, ORPHAN) if wanted else None

    def social(self, index: int) -> Original | None:
        """Return the picture for social media, when it is another one."""
        return self._of_article(index, SOCIAL) if roll(self.corpus.seed, index, "social", 7) == 0 else None

    def _of_article(self, index: int, place: int) -> Original:
        dice = Dice(self.corpus.seed, index, place)
        picture_id = str(int(self.corpus.id(index)) * 10 + place)
        noun, scene = dice.pick(_NOUNS), dice.below(SCENES)
        width, height = _SHAPES[scene % len(_SHAPES)]
        extension = _FORMATS[scene * len(_FORMATS) // SCENES]
        day = self.corpus.published(index)
        if self.profile.name == "olj":
            folder = f"storage/attachments/{int(picture_id) // 10 % 2000}"
        elif place == ORPHAN:
            folder = "attachments/orphans"
        else:
            folder = f"dailymaverick/wp-content/uploads/{day:%Y/%m}"
        key = f"{folder}/{noun}-{day:%d}_{picture_id}.{extension}"
        state = self.corpus.state(index)
        swaps = [instant for swapped, instant in state.swaps if swapped == place]
        corrections = state.captions.count(place)
        caption = f"{noun} at {day:%H:%M}" + (f" (corrected {corrections})" if corrections else "")
        since = max(swaps, default=None)
        return Original(picture_id, key, width, height, scene, caption, corrections, len(swaps), since)

    def portrait(self, author: str) -> Original | None:
        """Return the picture of an author; half of them have none."""
        if int(author) // 3 % 2:
            return None
        folder = "storage/authors" if self.profile.name == "olj" else "dailymaverick/wp-content/uploads/authors"
        return Original(author, f"{folder}/portrait_{author}.jpg", 400, 400, int(author) % 5)

    def cover(self, section: str) -> Original | None:
        """Return the cover of a section."""
        known = self.profile.sections.get(section)
        if known is None or not known.cover:
            return None
        folder = "storage/covers" if self.profile.name == "olj" else "dailymaverick/wp-content/uploads/covers"
        return Original(section, f"{folder}/{section}.jpg", 1200, 400, int(section) % 5)

    def by_key(self, key: str) -> Original | None:
        """Return the picture stored under this key."""
        digits = key.rsplit("/", 1)[-1].rsplit(".", 1)[0].rsplit("_", 1)[-1]
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 14):
            return None
        candidates = [self.portrait(digits), self.cover(digits)] if int(digits) < 10**7 else self._of_id(digits)
        return next((picture for picture in candidates if picture is not None and picture.key == key), None)

    def _of_id(self, picture_id: str) -> list[Original | None]:
        index = self.corpus.index(picture_id[:-1])
        if index is None:
            return []
        state = self.corpus.state(index)
        former = [self._of_article(index, place) for place in state.former]
        found = [*self.main(index), *former, *self.inline(index), self.orphan(index), self.social(index)]
        return [picture for picture in found if picture is None or place_of(picture.id) not in state.lost]

    def url(self, original: Original) -> str:
        """Return the address of the upload itself."""
        return f"{self.addresses.media}/{original.key}"

    def size_url(self, original: Original, size: Size) -> str:
        """Return the address of one rendition."""
        if self.profile.name == "olj":
            return f"{self.url(original)}/r/{size.x}/{original.key.rsplit('/', 1)[-1]}"
        filters = f"/filters:{size.filters}" if size.filters else ""
        rest = f"{size.x}x{size.y}/smart{filters}/file/{original.key}"
        return f"{self.addresses.media}/i/{self.sign(rest)}/{rest}"

    def sign(self, rest: str) -> str:
        """Return the 28 characters that vouch for a rendition's path."""
        return urlsafe_b64encode(hmac.new(self._secret, rest.encode(), hashlib.sha1).digest()).decode()

    def transforms(self, original: Original) -> list[dict[str, Any]]:
        """Return the list of renditions as the CMS writes it: numbers as text in one installation."""
        text = self.profile.numbers_as_text
        return [
            {"x": str(s.x) if text else s.x, "y": str(s.y) if text else s.y, "url": self.size_url(original, s)}
            for s in self.profile.sizes
        ]

    def no_transforms(self) -> list[dict[str, Any]]:
        """Return the renditions of a missing portrait: sizes without addresses."""
        return [{"x": str(s.x), "y": str(s.y), "url": ""} for s in self.profile.sizes]

    def attachment(self, original: Original, inline: bool = False) -> dict[str, Any]:
        """Return the CMS's object for a picture."""
        dice = Dice(int(original.id), 77)
        known = not inline and not dice.chance(3)
        entry: dict[str, Any] = {
            "id": original.id,
            "name": original.caption if dice.below(2) else "",
            "description": f"{original.caption}, seen by the photo desk."
            if dice.below(3) or original.corrections
            else "",
            "focal": "50% 50%" if dice.below(3) else f"{dice.below(90) + 3}.472222222222221% 31.25%",
            "width": original.width if known else 0,
            "height": original.height if known else 0,
            "url": self.url(original),
            "transforms": self.transforms(original),
        }
        entry |= {size.alias: self.size_url(original, size) for size in self.profile.sizes}
        return entry | {"type": "inline_image" if inline else "image"}

    def orphan_attachment(self, original: Original) -> dict[str, Any]:
        """Return the short object of a picture that lost its article."""
        text = {"id": original.id, "name": original.caption, "description": ""}
        return text | {"url": self.url(original), "type": "inline_image"}


def in_proportion(width: int, height: int, x: int, y: int) -> tuple[int, int]:
    """Return the dimensions that a rendition of x by y really has (0: whatever keeps the proportions)."""
    if x == 0 and y == 0:
        return width, height
    if y == 0:
        return x, max(1, round(height * x / width))
    if x == 0:
        return max(1, round(width * y / height)), y
    return x, y
