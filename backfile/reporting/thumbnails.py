"""Small copies of stored pictures, as data: URIs, so that a page can show them and stay one file.

Stored pictures are hostile: only formats we know are opened, none that would take more memory than a small machine
can spare, and whatever a decoder says, the worst that follows is a page without that picture. A thumbnail is encoded
anew, so that nothing of the original but its pixels comes along.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageOps

from crawler.pictures import MAX_DECODED_PIXELS
from reader.items import lead
from storage import gallery
from storage.files import MediaTree
from storage.gallery import StoredFile
from storage.reading import Reading

log = logging.getLogger(__name__)

SIZE = (240, 160)  # pixels
_MOST_BYTES = 12_000  # of one thumbnail
_LARGEST_FILE = 30_000_000  # bytes
_QUALITIES = (70, 50, 30, 15)
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP", "image/bmp": "BMP"}


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture; `uri` is a data: URI, width and height are pixels."""

    uri: str
    width: int
    height: int


def leading(reading: Reading, rows: Sequence[int]) -> dict[int, Thumbnail]:
    """Return the thumbnail of the picture that stands for each of these articles, where one can be made."""
    found = {}
    tree = MediaTree(reading.folder)
    for row, pictures in gallery.pictures(reading.connection, rows).items():
        picture = lead(pictures)
        files = [StoredFile(held.sha256, held.bytes, held.media_type, held.extension, held.width, held.height)
                 for held in (picture.files if picture else ())]  # fmt: skip
        made = _made(tree, files)
        if made is not None:
            found[row] = made
    return found


def of_file(reading: Reading, sha256: str) -> Thumbnail | None:
    """Return the thumbnail of one stored file; None where none can be made."""
    file = gallery.stored_file(reading.connection, sha256)
    return _made(MediaTree(reading.folder), [file] if file else [])


def _made(tree: MediaTree, files: Sequence[StoredFile]) -> Thumbnail | None:
    """Make a thumbnail of the smallest file that is large enough, or else of the largest."""
    usable = [file for file in files if _is_safe(file)]
    ordered = sorted(usable, key=lambda file: (file.width < SIZE[0], abs(file.width - SIZE[0])))
    return next((made for file in ordered[:2] if (made := _shrunk(tree, file)) is not None), None)


def _is_safe(file: StoredFile) -> bool:
    known = file.media_type in _FORMATS and file.bytes <= _LARGEST_FILE
    return known and 0 < file.width * file.height <= MAX_DECODED_PIXELS


def _shrunk(tree: MediaTree, file: StoredFile) -> Thumbnail | None:
    path = tree.path(file.sha256, file.extension)
    try:
        if path.is_symlink() or path.stat().st_size != file.bytes:
            return None
        with Image.open(io.BytesIO(path.read_bytes()), formats=[_FORMATS[file.media_type]]) as picture:
            if picture.width * picture.height > MAX_DECODED_PIXELS:
                return None
            picture.draft("RGB", SIZE)  # a JPEG is decoded no larger than needed
            small = ImageOps.fit(_upright(picture), SIZE)
    except Exception as error:  # noqa: BLE001 - a decoder fed hostile bytes may raise anything; all of it means the same
        log.debug("no thumbnail of %s: %s", file.sha256, error)
        return None
    return _encoded(small)


def _upright(picture: Image.Image) -> Image.Image:
    """Return a picture as it is meant to be seen, on white where it is transparent."""
    turned = ImageOps.exif_transpose(picture).convert("RGBA")
    ground = Image.new("RGBA", turned.size, "white")
    return Image.alpha_composite(ground, turned).convert("RGB")


def _encoded(picture: Image.Image) -> Thumbnail | None:
    for quality in _QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= _MOST_BYTES:
            uri = f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
            return Thumbnail(uri, *picture.size)
    return None
