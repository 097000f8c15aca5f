"""What is wanted, and whether an answer is it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crawler.errors import ParseError
from crawler.wants import check_asked
from tests.storage import making

RECORD = replace(
    making.article("7", title="L\u2019\u00e9t\u00e9 des libraires de Beyrouth"),
    url="https://www.example.org/article/2023-07-01-lete-des-libraires-de-beyrouth/",
    paths=("dm:/article/2023-07-01-lete-des-libraires-de-beyrouth",),
)
FRONT = "https://www.example.org/article"


@pytest.mark.parametrize(
    "url",
    [
        RECORD.url,
        f"{FRONT}/2023-07-01-libraires-de-beyrouth-un-ete/",  # its slug before an editor changed it
        f"{FRONT}/2023-06-30-lete-des-libraires-de-beyrouth-/",  # its date before it was published again
        f"{FRONT}/lete-des-libraires-de-beyrouth.html",
        f"{FRONT}/%D8%B5%D9%8A%D9%81/",  # one word says too little
        f"{FRONT}/7/",
        "https://x.org/s/aB3",
    ],
)
def test_an_article_may_have_had_another_address(url: str) -> None:
    """As long as the words are mostly its own, or too few to tell."""
    check_asked("dm:/article/some-path", url, RECORD)
    check_asked(
        "dm:/article/some-path", f"{FRONT}/2023-07-01-something-else-entirely/", replace(RECORD, url=f"{FRONT}/7")
    )


@pytest.mark.parametrize(
    "key, url",
    [
        ("dm:8", RECORD.url),
        ("dm:/article/some-path", f"{FRONT}/2023-06-30-lete-des-libraires-de-tripoli/"),
        ("dm:/article/some-path", f"{FRONT}/2023-07-01-harbour-wall-reopens-in-tripoli/"),
        ("dm:/article/some-path", f"{FRONT}/les-pecheurs-de-tripoli-et-leurs-bateaux-de-beyrouth/"),
    ],
)
def test_another_article_is_told(key: str, url: str) -> None:
    """By its id where that was asked for, else by the words of the address that it came from."""
    with pytest.raises(ParseError):
        check_asked(key, url, RECORD)


def test_a_path_that_the_article_names_leads_to_it() -> None:
    """Whatever the address says in the end."""
    check_asked(RECORD.paths[0], f"{FRONT}/2023-07-01-harbour-wall-reopens-in-tripoli/", RECORD)
