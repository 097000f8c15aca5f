"""Pictures that are what they claim, and bodies that are not."""

from __future__ import annotations

import contextlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crawler import pictures
from crawler.errors import Fault, FaultKind

URL = "https://cdn.example/i/x.jpg"
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp", "BMP": "image/bmp"}


def picture(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """Return a small real picture."""
    stream = io.BytesIO()
    image = Image.effect_noise(size, 40).convert("RGB")
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", TYPES)
def test_real_pictures_pass_with_their_size(kind: str) -> None:
    """A real picture is recognised by its bytes, with its size in pixels."""
    found = pictures.check(picture(kind), "application/octet-stream", URL)
    assert (found.media_type, found.width, found.height) == (TYPES[kind], 64, 48)


def test_a_progressive_jpeg_with_exif_and_thumbnail_passes() -> None:
    """A JPEG's size is read past its metadata, also when that holds another JPEG."""
    exif = Image.Exif()
    exif[0x010E] = "a thumbnail's end mark \xff\xd9 inside"
    body = picture("JPEG", (300, 200), progressive=True, exif=exif.tobytes(), comment=b"\xff\xd9" * 10)
    assert pictures.check(body, "image/jpeg", URL).width == 300


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.995])
def test_truncated_pictures_are_refused(kind: str, share: float) -> None:
    """A picture that breaks off anywhere is a failure, not a picture."""
    body = picture(kind, (200, 150))
    with pytest.raises(Fault) as caught:
        pictures.check(body[: int(len(body) * share)], TYPES[kind], URL)
    assert caught.value.kind in (FaultKind.TRUNCATED_PICTURE, FaultKind.NOT_A_PICTURE)


def animated(kind: str) -> bytes:
    """Return several pictures in one file."""
    stream = io.BytesIO()
    first, *others = (Image.effect_noise((80, 60), 40).convert("RGB") for _ in range(5))
    first.save(stream, kind, save_all=True, append_images=others)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "MPO", "WEBP"])
def test_several_pictures_in_a_file_are_whole_or_refused(kind: str) -> None:
    """A film that breaks off after its first picture is no whole one."""
    body = animated(kind)
    assert pictures.check(body, "image/x", URL).width == 80
    for share in (0.2, 0.4, 0.6, 0.8, 0.95):
        with pytest.raises(Fault) as caught:
            pictures.check(body[: int(len(body) * share)], "image/x", URL)
        assert caught.value.kind in (FaultKind.TRUNCATED_PICTURE, FaultKind.NOT_A_PICTURE)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
@pytest.mark.parametrize("several", [False, True])
def test_the_last_byte_counts(kind: str, several: bool) -> None:
    """Where a format has an end mark, what lacks any of it has broken off; no cut looks like an end."""
    body = animated(kind) if several else picture(kind)
    for cut in (*range(1, 40), *range(40, len(body), 97)):
        with pytest.raises(Fault):
            pictures.check(body[:-cut], "image/x", URL)


def test_trailing_bytes_do_not_spoil_a_picture() -> None:
    """Cameras and servers append things; a picture that decodes whole is one."""
    for kind in ("PNG", "GIF"):
        assert pictures.check(animated(kind) + b"appended by some server", "image/x", URL).width == 80
    assert pictures.check(picture("JPEG") + b"\x00" * 7, "image/jpeg", URL).width == 64
    assert pictures.check(picture("JPEG") + b"appended by some camera", "image/jpeg", URL).width == 64


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"", FaultKind.EMPTY_BODY),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", FaultKind.NOT_A_PICTURE),
        (b"  \n<html>", FaultKind.NOT_A_PICTURE),
        (b'{"error": true}', FaultKind.NOT_A_PICTURE),
        (b"\x00" * 4000, FaultKind.NOT_A_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><rect", FaultKind.TRUNCATED_PICTURE),
    ],
)
def test_what_is_no_picture_is_named(body: bytes, kind: FaultKind) -> None:
    """Pages, errors and garbage in place of a picture are refused with the reason."""
    with pytest.raises(Fault) as caught:
        pictures.check(body, "image/jpeg", URL)
    assert caught.value.kind is kind


def test_a_page_is_refused_whatever_it_looks_like() -> None:
    """A body that the server itself calls a page is not kept as a picture unless it is one."""
    with pytest.raises(Fault):
        pictures.check(b"Access denied", "text/html", URL)
    assert pictures.check(picture("PNG"), "text/html", URL).media_type == "image/png"


def test_a_billion_pixels_are_not_decoded() -> None:
    """A header that claims more pixels than any camera has is refused before decoding."""
    body = bytearray(picture("PNG"))
    body[16:24] = struct.pack(">II", 40_000, 40_000)
    with pytest.raises(Fault) as caught:
        pictures.check(bytes(body), "image/png", URL)
    assert caught.value.kind is FaultKind.PICTURE_TOO_LARGE


@pytest.mark.parametrize(
    "body, declared, url, extension",
    [
        (b"%PDF-1.7 and so on", "application/pdf", "https://cdn.example/a.pdf", "pdf"),
        (b"\x00\x00\x00\x20ftypisom and so on", "video/mp4", "https://cdn.example/a.mp4", "mp4"),
        (b"ID3\x04 and so on", "audio/mpeg", "https://cdn.example/a.mp3", "mp3"),
        (b"<?xml version='1.0'?><svg></svg>", "image/svg+xml", "https://cdn.example/a.svg", "svg"),
        (b"some codec nobody knows", "audio/x-odd", "https://cdn.example/a.odd", "bin"),
    ],
)
def test_other_media_is_kept_as_it_is(body: bytes, declared: str, url: str, extension: str) -> None:
    """Documents, audio, video and vector graphics are stored without a size."""
    assert pictures.check(body, declared, url).extension == extension


@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF"]))
def test_hostile_bytes_raise_faults_only(body: bytes, start: bytes) -> None:
    """No body makes the check raise anything but a Fault."""
    with contextlib.suppress(Fault):
        pictures.check(start + body, "image/jpeg", URL)
