"""Article bodies: imported blog posts without paragraphs tags, and the CMS's own HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from simulator.chance import Dice
from simulator.words import Tongue

SPAN = '<span style="font-weight: 400;">'


@dataclass(frozen=True, slots=True)
class Insert:
    """What a body may show besides text."""

    pictures: tuple[dict[str, Any], ...] = ()
    links: tuple[str, ...] = ()
    video: str | None = None
    pixel: str | None = None
    closing: str = ""


def imported(tongue: Tongue, dice: Dice, insert: Insert) -> str:
    """Return a body as the old blog software left it: CRLF pairs between noisy spans."""
    parts = []
    links = list(insert.links)
    for _ in range(5 + dice.below(8)):
        text = f"{SPAN}{tongue.paragraph(dice)} </span>"
        if links:
            text += f'<a href="{escape(links.pop())}">{SPAN}{tongue.sentence(dice)}</span></a>{SPAN}.</span>'
        parts.append(text)
    quote = f"\r\n<blockquote>{SPAN}{tongue.sentence(dice)} </span></blockquote>\r\n"
    parts += [_picture(picture, dice) for picture in insert.pictures]
    middle = len(parts) // 2
    body = "\r\n\r\n".join(parts[:middle]) + quote + "\r\n\r\n".join(parts[middle:])
    body += "".join(f"\r\n\r\n{extra}" for extra in _extras(insert))
    return f"{body}<b>{insert.closing}</b>\r\n\r\n<i>{SPAN}{tongue.sentence(dice)}</span></i><b> </b>"


def native(tongue: Tongue, dice: Dice, insert: Insert) -> str:
    """Return a body as the CMS's editor writes it: paragraphs without a line end."""
    parts = [f"<p>{_editor_text(tongue.paragraph(dice))}</p>" for _ in range(4 + dice.below(8))]
    parts.insert(2, f"<h3>{_editor_text(tongue.sentence(dice))}</h3>")
    if dice.chance(2):
        entries = "".join(f"<li>{_editor_text(tongue.sentence(dice))}</li>" for _ in range(3))
        parts.insert(len(parts) // 2, f"<ul>{entries}</ul>" if dice.chance(2) else f"<ol>{entries}</ol>")
    if dice.chance(3):
        parts.append(f'<p>{tongue.sentence(dice)}<br class="soft-break">{tongue.sentence(dice)}</p>')
    for link in insert.links:
        anchor = f'<a href="{escape(link)}" rel="noopener noreferrer" target="_blank">{tongue.sentence(dice)}</a>'
        parts.insert(1 + dice.below(len(parts)), f"<p>{anchor}</p>")
    for picture in insert.pictures:
        parts.insert(1 + dice.below(len(parts)), _picture(picture, dice))
    parts += _extras(insert)
    return "".join(parts) + (f"<p><strong>{insert.closing}</strong></p>" if insert.closing else "")


def correction(times: int) -> str:
    """Return the paragraph that one edit adds to a body."""
    return f"<p>Correction {times}: an earlier version was wrong.</p>"


def _editor_text(text: str) -> str:
    return text.replace("’", "&#39;")


def _picture(picture: dict[str, Any], dice: Dice) -> str:
    source = f'src="{escape(str(picture["url"]))}"'
    transforms: Sequence[dict[str, Any]] = picture.get("transforms", ())
    if transforms and dice.chance(2):
        choices = ", ".join(f"{escape(str(t['url']))} {t['x']}w" for t in transforms[1:4])
        source += f' srcset="{choices}"'
    return f'<img class="inlineImage" {source} alt="{escape(str(picture["description"]))}">'


def _extras(insert: Insert) -> list[str]:
    extras = []
    if insert.video:
        frame = f'<iframe src="https://www.youtube.com/embed/{insert.video}?rel=0" allowfullscreen></iframe>'
        extras.append(f'<div class="noReload embed inlineVideo">{frame}</div>')
    if insert.pixel:
        extras.append(f'<img src="{insert.pixel}" alt="" width="1" height="1" style="border: none !important">')
    return extras
