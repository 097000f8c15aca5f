"""Bodies made to hurt whoever looks whether they are pictures."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crawler import pictures
from crawler.errors import Fault, FaultKind

URL = "https://cdn.example/i/x.jpg"
TRAILER = b"appended by somebody"
SIDE = 19_000  # squared: far over what is decoded, and under what is refused at sight
DECLARED = ["image/jpeg", "text/html", "audio/mpeg", 'video/x"><script>', "application/octet-stream", ""]
URLS = [URL, "https://cdn.example/a.mp3", "https://cdn.example/a", "https://cdn.example/a.svg?x.jpg"]


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """Return a black PNG that is small on the wire, with more chunks in front of its pixels."""
    packer = zlib.compressobj(9)
    row = bytes((width + 7) // 8 + 1)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def made(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """Return a small real picture."""
    stream = io.BytesIO()
    Image.effect_noise(size, 40).convert("RGB").save(stream, kind, **options)
    return stream.getvalue()


def icon(inner: bytes) -> bytes:
    """Return an icon of one pixel, which hides a picture."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 1, 1, 0, 0, 1, 32, len(inner), 22) + inner


def bitmap(side: int) -> bytes:
    """Return the head of a bitmap that claims so many pixels a side."""
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)


def fault_of(body: bytes, declared: str = "image/jpeg") -> Fault:
    """Return the Fault that a body raises."""
    with pytest.raises(Fault) as caught:
        pictures.check(body, declared, URL)
    return caught.value


HUGE = png(SIDE, SIDE)
TEXT = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(64 << 20), 9))
PROFILE = chunk(b"iCCP", b"n\0\0" + zlib.compress(bytes(64 << 20), 9))


@pytest.mark.parametrize(
    "body, kinds",
    [
        (lambda: icon(HUGE), {FaultKind.PICTURE_TOO_LARGE}),
        (lambda: bitmap(SIDE), {FaultKind.PICTURE_TOO_LARGE}),
        (lambda: bitmap(2_000_000_000), {FaultKind.PICTURE_TOO_LARGE}),
        (lambda: icon(png(1, 1, TEXT)), {FaultKind.NOT_A_PICTURE, FaultKind.TRUNCATED_PICTURE}),
        (lambda: icon(png(1, 1, PROFILE)), {FaultKind.NOT_A_PICTURE, FaultKind.TRUNCATED_PICTURE}),
    ],
    ids=["icon", "bitmap", "bitmap beyond belief", "text", "colour profile"],
)
def test_a_bomb_is_refused_before_it_takes_memory(body: Callable[[], bytes], kinds: set[FaultKind]) -> None:
    """Pixels, texts and colour profiles that unpack to far more than they weigh are not unpacked."""
    bomb = body()
    tracemalloc.start()
    try:
        assert fault_of(bomb).kind in kinds
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20


@pytest.mark.parametrize("trailer", [b"", TRAILER])
@pytest.mark.parametrize("body, side", [(HUGE, SIDE), (png(10, 10, TEXT), 10), (png(10, 10, PROFILE), 10)])
def test_a_huge_picture_of_sound_structure_is_kept_without_decoding(body: bytes, side: int, trailer: bytes) -> None:
    """Hundreds of megapixels are a photographer's right; nobody has to decode them to store them."""
    tracemalloc.start()
    try:
        assert pictures.check(body + trailer, "image/png", URL).width == side
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20


@pytest.mark.parametrize("kind, options", [("GIF", {}), ("PNG", {"default_image": False}), ("WEBP", {})])
def test_frames_of_an_animation_are_not_decoded(kind: str, options: dict[str, object]) -> None:
    """An animation of many frames is stored as the one file that it is; at most its first frame is looked at."""
    frames = [Image.new("P" if kind == "GIF" else "RGB", (600, 600), number) for number in range(60)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], **options)
    tracemalloc.start()
    try:
        assert pictures.check(stream.getvalue(), "image/gif", URL).width == 600
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_decoder_that_nobody_needs_is_not_reached() -> None:
    """PostScript, which a decoder would run, and other formats that newsrooms do not serve are no pictures."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "EPS")
    assert fault_of(stream.getvalue()).kind is FaultKind.NOT_A_PICTURE
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PCX")
    assert fault_of(stream.getvalue()).kind is FaultKind.NOT_A_PICTURE


BODIES = [
    *(made(kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "ICO")),
    made("JPEG") + TRAILER,
    b"GIF89a/*<script>alert(1)</script>*/=1;",
    made("JPEG")[:-2] + b"<?php system('id'); ?>\xff\xd9",
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>",
    b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
    b"<html><svg></svg></html>",
    b"%PDF-1.7 <script>",
    b"PK\x03\x04 and a page",
    b"no codec knows this",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_same_bytes_have_one_name_and_one_type(body: bytes) -> None:
    """Whatever a server calls a body, wherever it lies: either it is refused, or it is the same file."""
    found = set()
    for declared in DECLARED:
        for url in URLS:
            try:
                found.add(pictures.check(body, declared, url))
            except Fault:
                continue
    assert len(found) <= 1


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_names_and_types_are_ours(body: bytes) -> None:
    """Extension and media type come from a short list, never from a server's words."""
    for declared in DECLARED:
        try:
            found = pictures.check(body, declared, URLS[1])
        except Fault:
            continue
        assert found.extension.isalnum()
        assert found.media_type.replace("/", "").replace("-", "").replace("+", "").isalnum()


@given(st.sampled_from(BODIES), st.integers(0, 4_000), st.binary(max_size=8), st.sampled_from(DECLARED))
def test_spoilt_bodies_keep_their_name_too(body: bytes, place: int, inserted: bytes, declared: str) -> None:
    """A damaged body is refused, or gets the one name that its bytes give it."""
    spoilt = body[:place] + inserted + body[place + len(inserted) :]
    found = set()
    for said in (declared, "video/mp4"):
        try:
            found.add(pictures.check(spoilt, said, URLS[2]).extension)
        except Fault:
            continue
    assert len(found) <= 1
