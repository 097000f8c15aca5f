"""What stood in an article and cannot be kept: a player, a map, a post. A note says what it was and where. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

ELEMENTS = frozenset({"iframe", "video", "audio", "object", "embed"})
_KINDS = {
    "youtube.com": "A video on YouTube",
    "youtube-nocookie.com": "A video on YouTube",
    "youtu.be": "A video on YouTube",
    "vimeo.com": "A video on Vimeo",
    "dailymotion.com": "A video on Dailymotion",
    "twitter.com": "A post on Twitter",
    "x.com": "A post on X",
    "instagram.com": "A post on Instagram",
    "facebook.com": "A post on Facebook",
    "tiktok.com": "A video on TikTok",
    "soundcloud.com": "A recording on SoundCloud",
    "spotify.com": "A recording on Spotify",
    "omny.fm": "A podcast on Omny",
    "datawrapper.de": "A chart by Datawrapper",
    "dwcdn.net": "A chart by Datawrapper",
    "flourish.studio": "A chart by Flourish",
    "google.com": "A map or document by Google",
    "scribd.com": "A document on Scribd",
    "documentcloud.org": "A document on DocumentCloud",
}


def kind_of(url: str) -> str:
    """Return what a reader would call the thing at a URL."""
    host = _host(url)
    return next((kind for domain, kind in _KINDS.items() if host == domain or host.endswith(f".{domain}")),
                "Something from another site")  # fmt: skip


def where(url: str) -> str:
    """Return a URL as it is read: host and path, shortened."""
    parts = urlsplit(url)
    text = f"{parts.netloc}{parts.path}".rstrip("/")
    return text if len(text) <= 80 else f"{text[:79]}…"


def placeholder(url: str, link: str) -> str:
    """Return the note; `link` is an anchor that leads there."""
    return (
        f'<div class="embed"><p class="kind">{kind_of(url)}</p>'
        f'<p class="why">It stood here, and is not part of the archive.</p><p class="where">{link}</p></div>'
    )


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
