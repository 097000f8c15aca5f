"""Small copies of pictures that nobody vouches for."""

from __future__ import annotations

import base64
import io
import sqlite3
import struct
import zlib
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from backfile.reporting.thumbnails import SIZE, Thumbnail, of_file
from storage.files import MediaTree
from storage.reading import open_reading
from tests.crawling import column
from tests.reader.making import empty


def encoded(picture: Image.Image, form: str = "JPEG") -> bytes:
    """Return a picture as a file."""
    stream = io.BytesIO()
    picture.save(stream, form)
    return stream.getvalue()


def noise(width: int, height: int) -> Image.Image:
    """Return the picture that compresses worst."""
    return Image.frombytes("RGB", (width, height), Random(1).randbytes(width * height * 3))


def bomb() -> bytes:
    """Return a small PNG that claims to be as large as a city."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def thumbnail(folder: Path, body: bytes, media_type: str = "image/jpeg", size: tuple[int, int] = (640, 480)) -> object:
    """Put a file into an archive with what its row says of it, and return its thumbnail."""
    made = empty(folder)
    incoming = MediaTree(folder).incoming()
    incoming.write(body)
    file = incoming.keep(media_type, "jpg", *size)
    with sqlite3.connect(folder / "archive.db") as database:
        database.execute(
            "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?)", (file.sha256, file.size, media_type, "jpg", *size)
        )
    database.close()
    with open_reading(made.folder) as reading:
        return of_file(reading, file.sha256)


def opened(found: object) -> tuple[Image.Image, int]:
    """Return a thumbnail as a browser sees it, and its size in bytes."""
    assert isinstance(found, Thumbnail)
    body = base64.b64decode(found.uri.removeprefix("data:image/jpeg;base64,"))
    return Image.open(io.BytesIO(body)), len(body)


@pytest.mark.parametrize("picture", [noise(900, 700), Image.new("RGB", (5, 4), "red"), Image.new("L", (2000, 90))])
def test_a_thumbnail_has_its_size_and_weighs_little(tmp_path: Path, picture: Image.Image) -> None:
    """240 by 160 pixels and at most 12 kB, of the worst of pictures too."""
    found, size = opened(thumbnail(tmp_path / "archive", encoded(picture), size=picture.size))
    assert found.size == SIZE
    assert size <= 12_000


def test_nothing_but_pixels_comes_along(tmp_path: Path) -> None:
    """What a camera or a person wrote into the file stays there."""
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    stream = io.BytesIO()
    noise(300, 200).save(stream, "JPEG", exif=exif, comment=b"a secret word")
    found, _ = opened(thumbnail(tmp_path / "archive", stream.getvalue()))
    assert not found.getexif()
    assert "comment" not in found.info


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    """Not black, as a JPEG would have it."""
    body = encoded(Image.new("RGBA", (300, 200), (0, 0, 0, 0)), "PNG")
    found, _ = opened(thumbnail(tmp_path / "archive", body, "image/png"))
    assert found.convert("RGB").getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize(
    "body, media_type, size",
    [
        (bomb(), "image/png", (60_000, 60_000)),
        (bomb(), "image/png", (640, 480)),
        (encoded(noise(400, 300))[:5_000], "image/jpeg", (400, 300)),
        (b"<svg onload='alert(1)'/>", "image/svg+xml", (640, 480)),
        (b"<html>", "image/jpeg", (640, 480)),
        (encoded(Image.new("RGB", (9, 9)), "TIFF"), "image/jpeg", (9, 9)),
        (b"", "image/jpeg", (0, 0)),
    ],
    ids=["bomb", "bomb that its row denies", "truncated", "svg", "page", "another format", "empty"],
)
def test_what_cannot_be_shown_safely_is_not_shown(
    tmp_path: Path, body: bytes, media_type: str, size: tuple[int, int]
) -> None:
    """No error, no memory, no picture."""
    assert thumbnail(tmp_path / "archive", body, media_type, size) is None


def test_a_link_out_of_the_archive_is_not_followed(tmp_path: Path) -> None:
    """A file that was replaced by a link shows nothing, wherever it leads."""
    folder = tmp_path / "archive"
    body = encoded(noise(300, 200))
    assert thumbnail(folder, body) is not None
    (sha256,) = column(folder, "SELECT sha256 FROM file")
    path = MediaTree(folder).path(str(sha256), "jpg")
    elsewhere = tmp_path / "elsewhere.jpg"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with open_reading(folder) as reading:
        assert of_file(reading, str(sha256)) is None
