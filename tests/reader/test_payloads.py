"""Hostile articles, archived and visited: no script runs, no request leaves, and what they say can be read."""

from __future__ import annotations

import json
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from tests.reader.browser import Visit, launched, tab
from tests.reader.making import Made, opened, shelved, written
from tests.reader.payloads import PAYLOADS, poisoned

# What of a page could run, load or hide: everything but what our own templates and the body's renderer write.
INSPECT = """() => {
  const bad = [];
  const tags = new Set(['SCRIPT','IFRAME','OBJECT','EMBED','STYLE','BASE','TEMPLATE','FRAME','APPLET','MATH','AREA',
                        'MAP','VIDEO','AUDIO','SOURCE','PORTAL','MARQUEE','TEXTAREA','SELECT']);
  for (const e of document.querySelectorAll('*')) {
    const own = e.matches('head script[src^="/static/reader.js"]');
    if (tags.has(e.tagName.toUpperCase()) && !own) bad.push(e.outerHTML.slice(0, 120));
    if (e.tagName === 'META' && e.httpEquiv) bad.push(e.outerHTML);
    if (e.tagName.toLowerCase() === 'svg' && !e.closest('.chart')) bad.push(e.outerHTML.slice(0, 120));
    for (const a of e.attributes) {
      const unwanted = /^on|^style$|^srcdoc$|^formaction$|^ping$|^background$|^poster$|^is$/i;
      if (unwanted.test(a.name)) bad.push(e.outerHTML.slice(0, 120));
      if (/^(src|href|action|xlink:href|data)$/i.test(a.name)) {
        const url = new URL(a.value, document.baseURI);
        const leaves = url.origin !== location.origin;
        if (!/^(https?|mailto|tel):$/.test(url.protocol)) bad.push(a.value.slice(0, 120));
        if (leaves && (e.tagName !== 'A' || !e.rel.includes('noopener'))) bad.push(e.outerHTML.slice(0, 120));
      }
    }
  }
  return bad;
}"""


async def _visit(visit: Visit, path: str) -> None:
    page = await visit.go(path)
    assert await page.evaluate(INSPECT) == [], path


async def test_there_are_enough_of_them() -> None:
    """The corpus is as large as it says."""
    assert len(PAYLOADS) >= 300


async def test_no_payload_runs_or_loads_in_a_browser_without_our_policy(tmp_path: Path) -> None:
    """With the Content-Security-Policy switched off, so that cleaning and escaping alone must hold, everywhere."""
    made = await shelved(tmp_path / "archive", [poisoned(n, payload) for n, payload in enumerate(PAYLOADS)])
    assert made.rows("SELECT count(*) FROM articles") == [(len(PAYLOADS),)]
    async with opened(made) as client, launched() as browser:
        base = str(client.make_url("/")).rstrip("/")
        async with tab(browser, base, bypass_csp=True) as visit:
            for number in range(len(PAYLOADS)):
                await _visit(visit, f"/article/dm/{5000 + number}")
                shown = await visit.page.inner_text("main")
                for word in ("headline", "subtitle", "kicker", "byline", "summary", "introduction", "before"):
                    assert f"{word}{number}".lower() in shown.lower(), (number, word)
            for path in _around(made):
                await _visit(visit, path)
            assert (visit.foreign, visit.complaints) == ([], [])


def _around(made: Made) -> list[str]:
    """Return the pages that show other parts of the poisoned articles: lists, names, pictures, history."""
    some = range(0, len(PAYLOADS), 9)
    articles = [f"/article/dm/{5000 + number}" for number in some]
    return [
        "/",
        "/site/dm",
        *(f"{article}/{what}" for article in articles for what in ("provenance", "revisions")),
        *(f"/{kind}/dm/{kind}-{number}" for number in some for kind in ("category", "keyword", "author")),
        "/categories",
        "/keywords",
        "/authors?words=script",
        "/search?q=headline1*",
        "/search?q=alert",
        "/search?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/authors?words=%22%3E%3Cimg+src%3Dx+onerror%3Dalert(1)%3E",
        "/calendar/2023/07/06",
        "/pictures",
        "/runs",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/category/dm/%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ]


async def test_our_policy_holds_alone(tmp_path: Path) -> None:
    """Were cleaning to fail, the browser would still run and load nothing: the policy is on every answer."""
    made = await shelved(tmp_path / "archive", [written()])
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)><img src=https://evil.example/x><style>*{}</style>"
    async with opened(made) as client, launched() as browser:
        base = str(client.make_url("/")).rstrip("/")
        async with tab(browser, base) as visit:
            page = await visit.go("/article/dm/1")
            await page.evaluate(
                "html => document.querySelector('.prose').insertAdjacentHTML('beforeend', html)", hostile
            )
            await page.wait_for_load_state("networkidle")
            assert not [complaint for complaint in visit.complaints if "a script ran" in complaint]
            assert visit.foreign == visit.blocked
            assert any("Content Security Policy" in complaint for complaint in visit.complaints)
            for path in (
                "/search.json?q=x",
                "/feed.atom",
                "/nowhere",
                "/static/reader.css",
                "/article/dm/1/raw/1.json",
            ):
                async with client.get(path) as answer:
                    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_payloads_are_kept_in_json_as_they_are(tmp_path: Path) -> None:
    """The JSON beside a page cannot be taken for a page, and its clean fields are clean."""
    made = await shelved(tmp_path / "archive", [poisoned(n, payload) for n, payload in enumerate(PAYLOADS[:40])])
    async with opened(made) as client:
        for number in range(40):
            async with client.get(f"/article/dm/{5000 + number}.json") as answer:
                assert answer.content_type == "application/json"
                found = json.loads(await answer.text())
            for field in ("standfirst_html", "introduction_html", "body_html"):
                assert not LexborHTMLParser(found[field]).css("script, style, iframe, [onerror], [onload], [onclick]")
