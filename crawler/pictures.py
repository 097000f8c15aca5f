"""Is this body the picture it claims to be? Pure: bytes in, type and size out, or a Fault.

The four common formats are checked by their structure, which costs microseconds: the first bytes, the size in the
header, the end mark. Only where the structure leaves a doubt is the picture decoded whole by Pillow, whose word is
final; one at a time, and never one that would take more memory than a crawl can spare. What a body is depends on its
bytes alone, so that the same content always gets the same name. Contract 6.3: width and height in the JSON may be 0;
trust the bytes.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings

import msgspec
from PIL import Image

from crawler.errors import Fault, FaultKind

MAX_PIXELS = 400_000_000  # beyond this no camera goes
MAX_DECODED_PIXELS = 50_000_000  # what Pillow may decode: some 200 MB, twice that for a progressive JPEG

# Pillow looks at this where one picture hides in another, as in icons; its warnings would go to the terminal.
Image.MAX_IMAGE_PIXELS = MAX_DECODED_PIXELS
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
_DECODING = threading.Lock()  # bodies are checked on several threads, and each decoded picture takes its memory

_HTML_STARTS = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<script", b"<!--")
_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".heic")
_GIF_TRAILER, _GIF_FRAME, _GIF_EXTENSION = 0x3B, 0x2C, 0x21
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PILLOW_TYPES = {
    "JPEG": ("image/jpeg", "jpg"), "MPO": ("image/jpeg", "jpg"), "PNG": ("image/png", "png"),
    "GIF": ("image/gif", "gif"), "WEBP": ("image/webp", "webp"), "AVIF": ("image/avif", "avif"),
    "BMP": ("image/bmp", "bmp"), "TIFF": ("image/tiff", "tif"), "ICO": ("image/x-icon", "ico"),
}  # fmt: skip
_OTHER_MAGIC = (
    (b"%PDF-", 0, "application/pdf", "pdf"),
    (b"ftyp", 4, "video/mp4", "mp4"),
    (b"ID3", 0, "audio/mpeg", "mp3"),
    (b"\x1aE\xdf\xa3", 0, "video/webm", "webm"),
    (b"OggS", 0, "audio/ogg", "ogg"),
    (b"fLaC", 0, "audio/flac", "flac"),
    (b"PK\x03\x04", 0, "application/zip", "zip"),
)
_UNKNOWN_TYPE = "application/octet-stream"


class Checked(msgspec.Struct, frozen=True):
    """What a media body was found to be; sizes in pixels, None where it has none."""

    media_type: str
    extension: str
    width: int | None = None
    height: int | None = None


def check(body: bytes, declared: str, url: str) -> Checked:
    """Say what a media body is. Raises Fault when it is not what its URL or its type promises.

    `declared` is the server's media type; it is not trusted over the bytes.
    """
    found = at_a_glance(body, declared)
    if found is None:
        try:
            found = _bounded(_by_pillow(body))
        except Fault as fault:
            if fault.kind is not FaultKind.NOT_A_PICTURE or not _is_sound_or_film(declared, url):
                raise
            found = Checked(_UNKNOWN_TYPE, "bin")
    return found


def at_a_glance(body: bytes, declared: str) -> Checked | None:
    """Say what a media body is if that takes no decoding; None where it does. Raises Fault as `check` does."""
    if not body:
        raise Fault(FaultKind.EMPTY_BODY, "the server sent zero bytes for a picture")
    found = _by_structure(body) or _other_media(body, declared)
    return None if found is None else _bounded(found)


def _bounded(found: Checked) -> Checked:
    if found.width is not None and found.height is not None and found.width * found.height > MAX_PIXELS:
        raise Fault(
            FaultKind.PICTURE_TOO_LARGE,
            f"the picture claims {found.width} x {found.height} pixels, more than {MAX_PIXELS}; it was not decoded",
        )
    return found


def _by_structure(body: bytes) -> Checked | None:
    """Check the common formats by header and end mark; None where Pillow must decide."""
    if body.startswith(b"\xff\xd8\xff"):
        size = _jpeg_size(body)
        whole = body.endswith(b"\xff\xd9") or body[-64:].rstrip(b"\x00\r\n\t ").endswith(b"\xff\xd9")
        return Checked("image/jpeg", "jpg", *size) if size and whole else None
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        if len(body) > 33 and body[12:16] == b"IHDR" and _png_ends(body):
            return Checked("image/png", "png", *struct.unpack(">II", body[16:24]))
        raise Fault(FaultKind.TRUNCATED_PICTURE, "the PNG picture breaks off before its end")
    if body[:6] in (b"GIF87a", b"GIF89a"):
        if _gif_ends(body):
            return Checked("image/gif", "gif", *struct.unpack("<HH", body[6:10]))
        raise Fault(FaultKind.TRUNCATED_PICTURE, "the GIF picture breaks off before its end")
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        size = _webp_size(body)
        whole = len(body) >= 8 + int.from_bytes(body[4:8], "little")
        return Checked("image/webp", "webp", *size) if size and whole else None
    return None


def _png_ends(body: bytes) -> bool:
    """Say whether a PNG has its last chunk, hopping from chunk to chunk; what follows it is no part of the picture."""
    at = 8
    while at + 12 <= len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        if body[at + 4 : at + 8] == b"IEND":
            return at + 12 + length <= len(body)
        at += 12 + length
    return False


def _gif_ends(body: bytes) -> bool:
    """Say whether a GIF has its trailer, hopping from block to block, all frames included."""
    at = 13 + _colours(body, 10)
    while at < len(body) and body[at] != _GIF_TRAILER:
        if body[at] == _GIF_FRAME:
            at += 11 + _colours(body, at + 9)
        elif body[at] == _GIF_EXTENSION:
            at += 2
        else:
            return False
        while at < len(body) and body[at]:  # its parts, up to an empty one
            at += 1 + body[at]
        at += 1
    return at < len(body)


def _colours(body: bytes, flags: int) -> int:
    """Return the bytes of the table of colours that a GIF's flags announce."""
    packed = body[flags] if flags < len(body) else 0
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _jpeg_size(body: bytes) -> tuple[int, int] | None:
    """Return (width, height) from the frame header, hopping from segment to segment."""
    at, end = 2, len(body)
    while at + 9 < end:
        if body[at] != 0xFF:
            return None
        marker = body[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", body, at + 5)
            return (width, height) if width and height else None
        elif marker == 0xDA:
            return None
        elif 0xD0 <= marker <= 0xD8 or marker == 0x01:
            at += 2
        else:
            at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    return None


def _webp_size(body: bytes) -> tuple[int, int] | None:
    kind = body[12:16]
    if len(body) < 30:
        return None
    if kind == b"VP8 " and body[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and body[20] == 0x2F:
        bits = int.from_bytes(body[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(body[24:27], "little") + 1, int.from_bytes(body[27:30], "little") + 1
    return None


def _other_media(body: bytes, declared: str) -> Checked | None:
    """Recognise what is not a raster picture: vector graphics, documents, audio and video are kept as they are."""
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!--")) and b"<svg" in body[:4096].lower()):
        if not body.rstrip().endswith(b">"):
            raise Fault(FaultKind.TRUNCATED_PICTURE, "the SVG picture breaks off before its end")
        return Checked("image/svg+xml", "svg")
    if start.startswith(_HTML_STARTS) or declared in ("text/html", "application/xhtml+xml"):
        raise Fault(FaultKind.NOT_A_PICTURE, f"the server sent a page ({declared or 'no type'}) instead of a picture")
    brand = body[8:12]
    for magic, offset, media_type, extension in _OTHER_MAGIC:
        if body[offset : offset + len(magic)] == magic and brand not in (b"avif", b"avis", b"heic", b"mif1"):
            return Checked(media_type, extension)
    return None


def _is_sound_or_film(declared: str, url: str) -> bool:
    """Say whether a body of no kind we know is audio or video, by the word of its server and by its address."""
    path = url.split("?", 1)[0].lower()
    return declared.startswith(("audio/", "video/")) and not path.endswith(_PICTURE_ENDINGS)


def _by_pillow(body: bytes) -> Checked:
    """Let Pillow decide, decoding everything: it notices what is cut off."""
    Image.init()
    formats = [name for name in _PILLOW_TYPES if name in Image.OPEN]  # no others: each is a way in
    try:
        with _DECODING, Image.open(io.BytesIO(body), formats=formats) as picture:
            width, height = picture.size
            for frame in range(getattr(picture, "n_frames", 1)):  # one in memory at a time
                if (frame + 1) * width * height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                picture.seek(frame)
                picture.load()
            media_type, extension = _PILLOW_TYPES[picture.format or ""]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Fault(
            FaultKind.PICTURE_TOO_LARGE,
            f"only decoding could show whether the picture is whole, and it claims more than {MAX_DECODED_PIXELS:,} "
            f"pixels, or {MAX_PIXELS:,} in all its frames, so it was not decoded",
        ) from error
    except Exception as error:  # a decoder fed hostile bytes may raise anything; all of it means the same
        truncated = "truncated" in str(error).lower() or _looks_like_a_picture(body)
        kind = FaultKind.TRUNCATED_PICTURE if truncated else FaultKind.NOT_A_PICTURE
        raise Fault(kind, f"the body is no whole picture: {_short(error)}") from error
    return Checked(media_type, extension, width, height)


def _looks_like_a_picture(body: bytes) -> bool:
    return body.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF"))


def _short(error: Exception) -> str:
    """Say what Pillow said without the memory addresses it mentions."""
    text = str(error).split("<", 1)[0].strip() or type(error).__name__
    return text[:120]
