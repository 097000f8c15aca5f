"""Everything that can go wrong, by name."""

from __future__ import annotations

from simulator.faults import bodies, mutations, paging, statuses, wire
from simulator.faults.mutations import mutation
from simulator.faults.visit import BATCH, EVERYTHING, JSONS, LISTS, PICTURES, SINGLES, TEXTS, Fault

_JPEG, _PNG, _WEBP = (".jpg", ".jpeg"), (".png",), (".webp",)
_BATCHES = frozenset({BATCH})
_EMBEDDED = SINGLES | JSONS
_METADATA = "http://169.254.169.254/latest/meta-data/"

FAULTS: dict[str, Fault] = {
    # the connection
    "reset": Fault("the connection breaks without an answer", EVERYTHING, wire.reset, True),
    "reset-mid-body": Fault("the connection breaks in the middle of the body", EVERYTHING, wire.reset_mid_body, True),
    "stall": Fault("the request is taken and never answered", EVERYTHING, wire.stall, True),
    "stall-mid-body": Fault("half of the body comes, then silence", EVERYTHING, wire.stall_mid_body, True),
    "slow": Fault("one byte per second", EVERYTHING, wire.slow, True),
    "short-body": Fault("the body ends before its Content-Length", EVERYTHING, wire.short_body, True),
    "chunked-cut": Fault("a chunked body ends without its last chunk", EVERYTHING, wire.chunked_cut, True),
    # the status
    "http-429": Fault("429, Retry-After in seconds", EVERYTHING, statuses.wait(429, "Too many requests", False), True),
    "http-429-date": Fault(
        "429, Retry-After as a date", EVERYTHING, statuses.wait(429, "Too many requests", True), True
    ),
    "http-503": Fault("503, Retry-After in seconds", EVERYTHING, statuses.wait(503, "Maintenance", False), True),
    "http-503-date": Fault("503, Retry-After as a date", EVERYTHING, statuses.wait(503, "Maintenance", True), True),
    "http-500": Fault("500 with a page", EVERYTHING, statuses.status(500, "Internal Server Error"), True),
    "http-502": Fault("502 with a page", EVERYTHING, statuses.status(502, "Bad Gateway"), True),
    "http-504": Fault("504 with a page", EVERYTHING, statuses.status(504, "Gateway Timeout"), True),
    "http-404": Fault("404: not there", EVERYTHING, statuses.status(404, "Not Found")),
    "http-410": Fault("410: gone", EVERYTHING, statuses.status(410, "Gone")),
    "bot-wall": Fault("403: taken for a robot", EVERYTHING, statuses.status(403, "Access denied")),
    "bad-key": Fault("401: the API key is refused", JSONS, statuses.bad_key),
    "captcha": Fault("a robot test with status 200", TEXTS, statuses.captcha, True),
    "redirect-loop": Fault("redirects in a circle", EVERYTHING, statuses.redirect_loop),
    "redirect-away": Fault("a redirect to another host", EVERYTHING, statuses.redirect("http://elsewhere.example/")),
    "redirect-private": Fault("a redirect to the metadata address", EVERYTHING, statuses.redirect(_METADATA)),
    # the body
    "wrong-type": Fault("the right body under the wrong Content-Type", EVERYTHING, bodies.wrong_type, True),
    "html-image": Fault("an HTML page with status 200 for a picture", PICTURES, bodies.html_image, True),
    "html-as-jpeg": Fault("an HTML page that claims to be a JPEG", PICTURES, bodies.html_image_typed, True),
    "zero-bytes": Fault("an empty body with status 200", EVERYTHING, bodies.zero_bytes, True),
    "truncated-jpeg": Fault("two thirds of a JPEG", PICTURES, bodies.truncated, True, _JPEG),
    "truncated-png": Fault("two thirds of a PNG", PICTURES, bodies.truncated, True, _PNG),
    "truncated-webp": Fault("two thirds of a WebP", PICTURES, bodies.truncated, True, _WEBP),
    "pixel-bomb": Fault("a small PNG that claims a billion pixels", PICTURES, bodies.pixel_bomb, True),
    "over-limit": Fault("300 MB more than expected, undeclared", EVERYTHING, bodies.over_limit),
    "over-limit-declared": Fault("300 MB more than expected, declared", EVERYTHING, bodies.over_limit_declared),
    "gzip-bomb": Fault("a megabyte of gzip that unpacks to a gigabyte", EVERYTHING, bodies.gzip_bomb),
    "brotli-bomb": Fault("a body labelled as brotli that is not", EVERYTHING, bodies.brotli_bomb, True),
    # the JSON
    "invalid-json": Fault("JSON with missing colons", _EMBEDDED, bodies.invalid_json, True),
    "truncated-json": Fault("JSON that stops in the middle, in good order", JSONS, bodies.truncated_json, True),
    "wrong-shape": Fault("valid JSON of the wrong shape", JSONS, bodies.wrong_shape, True),
    "invalid-utf8": Fault("bytes that are no UTF-8", TEXTS, bodies.invalid_utf8),
    "duplicate-keys": Fault("JSON with repeated keys, right values last", JSONS, bodies.duplicate_keys),
    "deep-json": Fault("a field nested 10,000 deep", JSONS, bodies.deep_json),
    "data-object": Fault("`data` as an object instead of a list", JSONS, bodies.data_object),
    # the article
    "large-article": Fault("an article of 50 MB", SINGLES, mutation(mutations.large_article)),
    "many-attachments": Fault("500 attachments", SINGLES, mutation(mutations.many_attachments)),
    "empty-maps": Fault("`[]` for every map", SINGLES, mutation(mutations.empty_maps)),
    "contents-object": Fault("`contents` as an object with `html`", SINGLES, mutation(mutations.contents_object)),
    "flat-keywords": Fault("keywords without `type` and `data`", SINGLES, mutation(mutations.flat_keywords)),
    "wrong-types": Fault("fields of the wrong type", SINGLES, mutation(mutations.wrong_types)),
    "keyword-cycle": Fault("keywords that replace each other in a ring", SINGLES, mutation(mutations.keyword_cycle)),
    "hostile-urls": Fault(
        "media URLs: 8,000 characters, `..`, control, bidi", SINGLES, mutation(mutations.hostile_urls)
    ),
    # the lists
    "paging-repeats": Fault("every page is the first", LISTS, paging.repeats),
    "paging-clamps": Fault("every page past the second is the second", LISTS, paging.clamps),
    "paging-shrinks": Fault("later pages lose items", LISTS, paging.shrinks),
    "paging-shifts": Fault("an item comes in at the top while paging", LISTS, paging.shifts),
    "total-lies": Fault("`total` is three times the truth", _BATCHES, paging.total_lies),
}
STORM = "storm"
STORM_ABOUT = "all recoverable faults mixed"
