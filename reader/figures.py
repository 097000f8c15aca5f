"""A picture with what is written under it, or an honest place for one that is not held. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from reader.pictures import Shown

UNNAMED = "A picture without a caption"
REASONS = {
    "missing": "This picture is not in the archive.",
    "unknown": "This picture is not in the archive: the article does not list it among its pictures.",
    "queued": "This picture is not in the archive yet: it waits to be fetched.",
    "failed": "This picture is not in the archive: it could not be fetched.",
    "gone": "This picture is not in the archive: it was gone before it could be fetched.",
    "skipped": "This picture is not in the archive: it was left out on purpose.",
    "stored": "This picture is in the archive, in a form that browsers do not show.",
}


@dataclass(frozen=True, slots=True)
class Caption:
    """What is written under a picture, and what stands for it where it cannot be seen."""

    text: str = ""
    alt: str = ""


def figure(shown: Shown, caption: Caption, more: str = "") -> str:
    """Return a picture with its caption, or an honest place for one that is not held."""
    under = " ".join(part for part in (escape(caption.text), more) if part)
    below = f'<figcaption dir="auto">{under}</figcaption>' if under else ""
    if not shown.src:
        said = escape(caption.alt or UNNAMED)
        why = REASONS.get(shown.state, REASONS["unknown"])
        return f'<figure class="missing"><p>{said}</p><p class="why">{why}</p>{below}</figure>'
    size = f' width="{shown.width}" height="{shown.height}"' if shown.width and shown.height else ""
    choice = f' srcset="{shown.srcset}" sizes="(min-width: 48rem) 42rem, 100vw"' if shown.srcset else ""
    image = (
        f'<img src="{shown.src}"{choice}{size} alt="{escape(caption.alt or UNNAMED)}" loading="lazy" decoding="async">'
    )
    return f'<figure class="picture"><a class="inside" href="{shown.href}">{image}</a>{below}</figure>'
