"""Pictures that look like something: landscapes under a sky, at any size, in four formats."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw

from simulator.chance import Dice
from simulator.stock import Picture

_CANVAS = 480  # drawn at this width, then resized: flat shapes survive it and it is fast
_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
MEDIA_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
KEPT_ENCODINGS = 600
_Colour = tuple[int, int, int]


def picture(wanted: Picture, seed: int) -> bytes:
    """Return the encoded picture; two different stamps never give the same bytes."""
    extension = wanted.format if wanted.format in _FORMATS else "jpg"
    plain = _encoded(seed, wanted.scene, wanted.width, wanted.height, _FORMATS[extension])
    note = f"{wanted.stamp} {wanted.width}x{wanted.height}".encode()
    stamp = {"JPEG": _stamp_jpeg, "PNG": _stamp_png, "GIF": _stamp_gif, "WEBP": _stamp_webp}[_FORMATS[extension]]
    return stamp(plain, note, exif(wanted.stamp) if wanted.original else b"", wanted)


def exif(description: str) -> bytes:
    """Return EXIF data as a camera and a photo desk leave it."""
    tags = Image.Exif()
    tags[0x010E] = description.encode("ascii", "replace").decode()
    tags[0x010F], tags[0x0110] = "Box Optical", "Newsroom One"
    tags[0x0132] = "2023:07:06 12:00:00"
    tags[0x8298] = "(c) the newsroom in a box"
    return tags.tobytes()


@lru_cache(KEPT_ENCODINGS)
def _encoded(seed: int, scene: int, width: int, height: int, file_format: str) -> bytes:
    image = draw(seed, scene, width / height).resize((width, height), Image.Resampling.BILINEAR)
    if file_format in ("PNG", "GIF"):
        image = image.quantize(48)
    buffer = BytesIO()
    image.save(buffer, file_format, **({"quality": 72} if file_format in ("JPEG", "WEBP") else {}))
    return buffer.getvalue()


def draw(seed: int, scene: int, ratio: float) -> Image.Image:
    """Draw a scene: sky, sun, hills, and a skyline, a sea or a chart in front."""
    dice = Dice(seed, scene, 5)
    width, height = _CANVAS, max(8, round(_CANVAS / ratio))
    image = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(image)
    dusk = dice.chance(3)
    _sky(pen, width, height, dice, dusk)
    _sun(pen, width, height, dice, dusk)
    for layer in range(3):
        _hills(pen, width, height, layer, dice)
    (_skyline, _sea, _chart, _trees)[dice.below(4)](pen, width, height, dice)
    return image


def _blend(one: _Colour, other: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _sky(pen: ImageDraw.ImageDraw, width: int, height: int, dice: Dice, dusk: bool) -> None:
    top: _Colour = (40 + dice.below(60), 60 + dice.below(60), 130 + dice.below(90))
    low: _Colour = (235, 150 + dice.below(60), 90 + dice.below(60)) if dusk else (205, 225, 235 + dice.below(20))
    for y in range(height):
        pen.line((0, y, width, y), fill=_blend(top, low, y / height))


def _sun(pen: ImageDraw.ImageDraw, width: int, height: int, dice: Dice, dusk: bool) -> None:
    radius = 14 + dice.below(26)
    x, y = dice.below(width), height // 6 + dice.below(max(1, height // 3))
    fill: _Colour = (255, 214, 130) if dusk else (255, 246, 205)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _hills(pen: ImageDraw.ImageDraw, width: int, height: int, layer: int, dice: Dice) -> None:
    level = height * (50 + layer * 13) // 100
    points, x = [(0, height)], 0
    while x <= width:
        points.append((x, level - dice.below(max(2, height // 8))))
        x += 50 + dice.below(70)
    points += [(width, level), (width, height)]
    shade = _blend((120, 140, 150), (50 + dice.below(50), 80 + dice.below(50), 50 + dice.below(30)), (layer + 1) / 3)
    pen.polygon(points, fill=shade)


def _skyline(pen: ImageDraw.ImageDraw, width: int, height: int, dice: Dice) -> None:
    x = 0
    while x < width:
        wide, tall = 24 + dice.below(40), height // 6 + dice.below(max(1, height // 3))
        shade = 35 + dice.below(50)
        pen.rectangle((x, height - tall, x + wide, height), fill=(shade, shade + 6, shade + 18))
        for wx in range(x + 5, x + wide - 6, 10):
            for wy in range(height - tall + 6, height - 6, 14):
                if dice.chance(3):
                    pen.rectangle((wx, wy, wx + 4, wy + 6), fill=(250, 220, 140))
        x += wide + dice.below(12)


def _sea(pen: ImageDraw.ImageDraw, width: int, height: int, dice: Dice) -> None:
    line = height * 3 // 4
    pen.rectangle((0, line, width, height), fill=(30, 80 + dice.below(40), 120 + dice.below(50)))
    x = width // 5 + dice.below(width // 2)
    pen.polygon([(x, line + 14), (x + 70, line + 14), (x + 56, line + 30), (x + 12, line + 30)], fill=(120, 60, 40))
    pen.polygon([(x + 32, line + 10), (x + 32, line - 46), (x + 62, line + 10)], fill=(245, 240, 228))


def _chart(pen: ImageDraw.ImageDraw, width: int, height: int, dice: Dice) -> None:
    base, bars = height - 12, 9
    pen.rectangle((20, height // 2, width - 20, height - 6), fill=(250, 248, 240))
    for bar in range(bars):
        tall = 10 + dice.below(max(1, height // 2 - 36))
        x = 40 + bar * (width - 80) // bars
        pen.rectangle((x, base - tall, x + 26, base), fill=(170 + dice.below(60), 60 + bar * 10, 50))


def _trees(pen: ImageDraw.ImageDraw, width: int, height: int, dice: Dice) -> None:
    for _ in range(12):
        x, y, size = dice.below(width), height * 4 // 5 + dice.below(max(1, height // 6)), 12 + dice.below(22)
        pen.rectangle((x - 2, y, x + 2, y + size), fill=(80, 55, 35))
        pen.ellipse((x - size, y - size, x + size, y + 4), fill=(30 + dice.below(40), 90 + dice.below(50), 45))


def _stamp_jpeg(plain: bytes, note: bytes, exif_data: bytes, _: Picture) -> bytes:
    """Put EXIF and a comment behind the first header, where cameras put them."""
    place = 4 + int.from_bytes(plain[4:6], "big")
    segments = b"\xff\xe1" + struct.pack(">H", len(exif_data) + 2) + exif_data if exif_data else b""
    segments += b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note
    return plain[:place] + segments + plain[place:]


def _stamp_png(plain: bytes, note: bytes, _exif: bytes, _: Picture) -> bytes:
    return plain[:33] + _png_chunk(b"tEXt", b"Comment\0" + note) + plain[33:]


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stamp_gif(plain: bytes, note: bytes, _exif: bytes, _: Picture) -> bytes:
    blocks = b"".join(bytes([len(note[i : i + 255])]) + note[i : i + 255] for i in range(0, len(note), 255))
    return b"GIF89a" + plain[6:-1] + b"\x21\xfe" + blocks + b"\0" + plain[-1:]


def _stamp_webp(plain: bytes, note: bytes, exif_data: bytes, wanted: Picture) -> bytes:
    """Wrap the simple file in the extended format, which has room for EXIF."""
    canvas = (wanted.width - 1).to_bytes(3, "little") + (wanted.height - 1).to_bytes(3, "little")
    metadata = exif_data.removeprefix(b"Exif\0\0") or exif(note.decode()).removeprefix(b"Exif\0\0")
    body = b"WEBP" + _riff(b"VP8X", b"\x08\0\0\0" + canvas) + plain[12:] + _riff(b"EXIF", metadata)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + (b"\0" if len(data) % 2 else b"")
