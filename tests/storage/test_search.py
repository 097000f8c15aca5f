"""Full-text search: what finds what, in English, French and Arabic, and that no query is an error."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import frontier, keeping, search
from storage.records import Kind
from storage.search import CLOSE_MARK, OPEN_MARK, Filters, fold
from tests.storage import making
from tests.storage.making import WORK, article, capture, term, wanted


def keep(connection: sqlite3.Connection, cms_id: str, **fields: Any) -> None:
    record = article(cms_id, **{"summary": "", "title": f"Number {cms_id}", "terms": (), **fields})
    want = wanted(f"{record.site} {cms_id}")
    keeping.begin_target(connection, want, refresh=True, work=WORK)
    job = frontier.find(connection, Kind.ARTICLE, want.key)
    assert job is not None
    keeping.keep_article(connection, job, capture(cms_id.encode()), record, (), (), WORK)


def make() -> sqlite3.Connection:
    connection = making.memory()
    keep(
        connection,
        "en",
        title="The coup in Niger",
        text="The ECOWAS bloc met on Thursday. Sanctions followed the coup d'état.",
        terms=(term("category", "Africa"), term("keyword", "Ecowas"), term("author", "Ada Mensah")),
        first_published="2023-07-31T22:30:00Z",
    )
    keep(
        connection,
        "fr",
        title="Le cœur de Beyrouth",
        text="Élections : les œuvres de l'État à Saïda, où les Libanais déçus votent. L'ex æquo.",
        terms=(term("category", "Liban"), term("author", "Émile Khoury")),
        first_published="2023-08-01T06:00:00Z",
    )
    keep(connection, "plain", title="Sans ligature", text="Le coeur et les oeuvres, sans rien.")
    keep(
        connection,
        "ar",
        title="مُحَمَّد في القاهرة",
        text="قالَ الرَّئيسُ إنَّ المُؤتَمَرَ سيُعقَدُ في مدينة الإسكندريّة يومَ الأحد",
        terms=(term("category", "أخبار"),),
    )
    keep(connection, "ar plain", title="محمد في القاهره", text="الرئيس يفتتح المؤتمر", site="olj")
    return connection


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    with closing(make()) as made:
        yield made


def found(connection: sqlite3.Connection, query: str, **filters: str) -> set[str]:
    return {hit.id for hit in search.find(connection, query, Filters(**filters))}


FINDS = [
    # words
    ("niger", {"en"}),
    ("NIGER coup", {"en"}),
    ("niger beyrouth", set()),
    ("sanction", set()),
    # French: accents, ligatures, elisions, either way round
    ("etat", {"en", "fr"}),
    ("ÉTAT", {"en", "fr"}),
    ("elections saida", {"fr"}),
    ("decus", {"fr"}),
    ("cœur", {"fr", "plain"}),
    ("coeur", {"fr", "plain"}),
    ("CŒUR", {"fr", "plain"}),
    ("œuvres", {"fr", "plain"}),
    ("l'état", {"fr"}),
    ("d’état", {"en"}),
    ("æquo", {"fr"}),
    ("aequo", {"fr"}),
    # Arabic: vowel signs, forms of alif, ta marbuta, either way round
    ("محمد", {"ar", "ar plain"}),
    ("مُحَمَّد", {"ar", "ar plain"}),
    ("الرئيس", {"ar", "ar plain"}),
    ("المؤتمر", {"ar", "ar plain"}),
    ("الاسكندرية", {"ar"}),
    ("الإسكندريّة", {"ar"}),
    ("القاهرة", {"ar", "ar plain"}),
    ("القاهره", {"ar", "ar plain"}),
    ("الأحد", {"ar"}),
    ("category:اخبار", {"ar"}),
    # phrases
    ('"coup in niger"', {"en"}),
    ('"niger in coup"', set()),
    ('"le cœur de beyrouth"', {"fr"}),
    ('"le coeur de beyrouth"', {"fr"}),
    ('"محمد في القاهرة"', {"ar", "ar plain"}),
    ('"coup in', {"en"}),
    # without
    ("etat -niger", {"fr"}),
    ('etat -"coup in niger"', {"fr"}),
    ("etat -title:beyrouth", {"en"}),
    ("cœur -ligature", {"fr"}),
    ("-niger", set()),
    # beginnings
    ("sanct*", {"en"}),
    ("libanai*", {"fr"}),
    ("cœu*", {"fr", "plain"}),
    ("title:beyr*", {"fr"}),
    # fields
    ("title:niger", {"en"}),
    ("title:thursday", set()),
    ("text:thursday", {"en"}),
    ("author:mensah", {"en"}),
    ("author:emile", {"fr"}),
    ('author:"ada mensah"', {"en"}),
    ("keyword:ecowas", {"en"}),
    ("category:africa", {"en"}),
    ("title:oeuvres", set()),
    ("title:œuvres", set()),
    ("text:beyrouth", set()),
    # not fields, not operators
    ("nosuchfield:niger", set()),
    ("https://www.example.org", set()),
    ("niger AND coup", set()),
    ("niger OR beyrouth", set()),
    ("title:", set()),
    ("", set()),
    ("  ", set()),
    ('"', set()),
    ("*", set()),
    ("()", set()),
    ("niger )", {"en"}),
    ("niger ^ : { } + , . ; '", {"en"}),
]


@pytest.mark.parametrize("query, ids", FINDS)
def test_a_query_finds(connection: sqlite3.Connection, query: str, ids: set[str]) -> None:
    """Words are all wanted; accents, ligatures, vowel signs and letter forms do not matter on either side."""
    assert found(connection, query) == ids


FILTERS = [
    ({"category": "Africa"}, {"en"}),
    ({"category": "africa"}, {"en"}),
    ({"category": "AFRICA"}, {"en"}),
    ({"author": "Émile Khoury"}, {"fr"}),
    ({"keyword": "ecowas"}, {"en"}),
    ({"keyword": "6ecowas"}, {"en"}),
    ({"keyword": "africa"}, set()),
    ({"since": "2023-08"}, {"fr"}),
    ({"until": "2023-07"}, {"en"}),
    ({"until": "2023-07-31"}, {"en"}),
    ({"until": "2023"}, {"en", "fr"}),
    ({"since": "2023-07-31", "until": "2023-08-01"}, {"en", "fr"}),
    ({"site": "dm"}, {"en", "fr"}),
    ({"site": "olj"}, set()),
    ({"category": "x' OR 1=1 --"}, set()),
    ({"category": "\ud800"}, set()),
]


@pytest.mark.parametrize("filters, ids", FILTERS)
def test_a_filter_narrows(connection: sqlite3.Connection, filters: dict[str, str], ids: set[str]) -> None:
    """By the name, slug or id of a term, by time to the precision given, by site."""
    assert found(connection, "etat", **filters) == ids


def test_the_best_come_first() -> None:
    """A word in the title weighs more than in the text."""
    with closing(making.memory()) as connection:
        keep(connection, "text", title="Something else", text="A word about Ouagadougou among many other words here.")
        keep(connection, "title", title="Ouagadougou", text="A word about something among many other words here.")
        keep(connection, "other", title="Nothing", text="Nothing of the kind.")
        hits = search.find(connection, "ouagadougou", Filters())
        assert [hit.id for hit in hits] == ["title", "text"]
        assert hits[0].score > hits[1].score
        assert [h.id for h in search.find(connection, "ouagadougou", Filters(), limit=1, offset=1)] == ["text"]


def test_a_hit_says_what_it_is(connection: sqlite3.Connection) -> None:
    """A hit has what a list of results shows."""
    (hit,) = search.find(connection, "sanctions", Filters())
    assert (hit.site, hit.id, hit.title, hit.authors) == ("dm", "en", "The coup in Niger", ("Ada Mensah",))
    assert hit.first_published == "2023-07-31T22:30:00Z"
    (unsigned,) = search.find(connection, "ligature", Filters())
    assert unsigned.authors == ()


@pytest.mark.parametrize("query, marked", [("sanctions", "Sanctions"), ("elections", "Élections"), ("cœur", "cœur")])
def test_a_snippet_marks_what_was_found(connection: sqlite3.Connection, query: str, marked: str) -> None:
    """The match stands between the marks as it is written in the article."""
    hit = search.find(connection, query, Filters())[0]
    start, _, rest = hit.snippet.partition(OPEN_MARK)
    match, _, end = rest.partition(CLOSE_MARK)
    assert match.casefold() in (marked.casefold(), fold(marked).casefold())
    assert OPEN_MARK not in start + match + end


def test_marks_in_an_article_are_not_marks(connection: sqlite3.Connection) -> None:
    """A text cannot fake a match, and a NUL does not end it."""
    with closing(making.memory()) as own:
        keep(own, "1", title=f"{OPEN_MARK}bold{CLOSE_MARK}", text="before\x00after fake")
        (hit,) = search.find(own, "after", Filters())
        assert hit.snippet.count(OPEN_MARK) == 1
        (by_title,) = search.find(own, "bold", Filters())
        assert by_title.snippet == f" {OPEN_MARK}bold{CLOSE_MARK} "


ODD = st.sampled_from(
    [*"\"'*-:^(){}+,.<>\\%_;", "\x00", "\ud800", "\u0301", "œ", "م", "ّ", "²", "½", "title:", " NEAR/2 ", "AND"]
)


@given(query=st.one_of(st.text(st.characters(), max_size=60), st.lists(ODD | st.text(max_size=4)).map("".join)))
def test_no_query_is_an_error(query: str) -> None:
    """Whatever is typed, there are hits or there are none."""
    search.find(CONNECTION, query, Filters())
    search.find(CONNECTION, f"niger {query}", Filters())


CONNECTION = make()


@pytest.mark.parametrize("query", ["word " * 3_000, "a* " * 2_000, '"' * 5_000, "-x " * 2_000 + "niger", "x" * 100_000])
def test_no_query_is_too_long(connection: sqlite3.Connection, query: str) -> None:
    """A pasted page is a query like any other."""
    search.find(connection, query, Filters())


@pytest.mark.parametrize(
    "query, begins",
    [
        ("wat*", True),
        ("wa*", False),
        ("a*", False),
        ("title:re*", False),
        ("x-wa*", False),
        ("é́té*", True),
        ("-wa*", False),
    ],
)
def test_a_beginning_has_three_letters(query: str, begins: bool) -> None:
    """With fewer the index would look through all words: 173 seconds for `re*` in 100,000 articles."""
    assert ('"*' in search.match_expression(f"{query} other")) is begins


@given(text=st.text())
def test_folding_is_final(text: str) -> None:
    """Folded text is not changed by folding it again."""
    assert fold(fold(text)) == fold(text)


@given(text=st.text(st.sampled_from("aé’\u0301œŒæßﬁﬂأإآٱىةؤئـَ\u05d0\u0700")))
def test_a_text_is_left_as_it_is_only_when_folding_would_leave_it(text: str) -> None:
    """No letter is overlooked, in texts with any mixture of them."""
    folded = text.translate(search._LIGATURES)
    if search._ARABIC_LETTER.search(folded):
        composed = unicodedata.normalize("NFC", folded)
        folded = "".join(c for c in composed if not unicodedata.combining(c)).translate(search._ARABIC)
    assert fold(text) == folded


# Gathered -------------------------------------------------------------------------------------------------------------


def test_what_is_gathered_is_indexed_as_if_at_once() -> None:
    """Whether new, or another text for an article that is indexed or gathered already; and each once."""
    with closing(make()) as together, closing(make()) as at_once:
        search.gather(together)
        for number in range(3):
            for connection in (together, at_once):
                search.replace(connection, 1, article("en", text=f"It is over for the {number} time"))
                keep(connection, f"new {number}", text="A summit in Accra")
        assert found(together, "accra") == set()
        search.index_gathered(together)
        assert found(together, "accra") == {"new 0", "new 1", "new 2"}
        assert (found(together, "sanctions"), found(together, '"2 time"')) == (set(), {"en"})
        texts = "SELECT rowid, * FROM search ORDER BY rowid"
        assert making.rows(together, texts) == making.rows(at_once, texts)
        together.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        assert making.one(together, "SELECT count(*) FROM gathered") == 0


def test_what_a_unit_takes_back_is_not_indexed() -> None:
    """What was gathered goes with the savepoint; and all of a group is one part of the index."""
    with closing(making.memory()) as connection:
        search.gather(connection)
        connection.execute("BEGIN")
        for number in range(20):
            connection.execute("SAVEPOINT unit")
            keep(connection, f"{number}", text=f"Word{number}")
            if number % 2:
                connection.execute("ROLLBACK TO unit")
            connection.execute("RELEASE unit")
        search.index_gathered(connection)
        connection.execute("COMMIT")
        assert (found(connection, "word4"), found(connection, "word5")) == ({"4"}, set())
        assert making.one(connection, "SELECT count(*) FROM search") == 10
        assert making.one(connection, "SELECT count(DISTINCT segid) FROM search_idx") == 1
