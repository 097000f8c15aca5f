"""Metrics: what a run did, in the words of Prometheus, in a file that is whole at any time."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from backfile.config import load
from backfile.errors import ConfigError
from backfile.exits import Exit
from backfile.metrics import RunFacts, facts_of, metrics_file, write_metrics
from simulator import Newsroom, Options
from storage.measures import Measures
from storage.records import Tally
from tests.crawling import crawl, site_of

HOME = Path("/srv/archive")
HELD = Measures({"article": {"done": 40, "queued": 2}, "media": {"failed": 3}}, 400_000, 5_000_000, 9_000_000)
NIGHT = RunFacts(
    folder=HOME,
    command="nightly",
    status=Exit.OK,
    started=1_700_000_000.0,
    seconds=61.5,
    tally=Tally(requests=120, bytes=4096, articles_new=5, articles_changed=2, articles_gone=1, media_new=30),
    causes={"dns": 2},
    archive=HELD,
)


def read(path: Path) -> dict[tuple[str, str], float]:
    """Return a file's samples, each under its name and the values of its labels but the archive's."""
    return {
        (sample.name, " ".join(value for name, value in sorted(sample.labels.items()) if name != "archive")): (
            sample.value
        )
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8"))
        for sample in family.samples
    }


def test_a_run_is_told_in_full(tmp_path: Path) -> None:
    """Exit status, times, counts, failures by cause, the queue, sizes: each is a sample a parser finds."""
    path = tmp_path / "backfile.prom"
    write_metrics(path, NIGHT)
    assert read(path) == {
        ("backfile_run_exit_status", "nightly"): 0,
        ("backfile_run_start_timestamp_seconds", "nightly"): 1_700_000_000,
        ("backfile_run_duration_seconds", "nightly"): 61.5,
        ("backfile_run_requests", "nightly"): 120,
        ("backfile_run_received_bytes", "nightly"): 4096,
        ("backfile_run_articles", "new nightly"): 5,
        ("backfile_run_articles", "changed nightly"): 2,
        ("backfile_run_articles", "gone nightly"): 1,
        ("backfile_run_renditions", "nightly"): 30,
        ("backfile_run_failures", "dns nightly"): 2,
        ("backfile_last_success_timestamp_seconds", "nightly"): 1_700_000_061.5,
        ("backfile_urls", "article done"): 40,
        ("backfile_urls", "article queued"): 2,
        ("backfile_urls", "media failed"): 3,
        ("backfile_failures_standing", ""): 3,
        ("backfile_archive_bytes", "database"): 400_000,
        ("backfile_archive_bytes", "media"): 5_000_000,
        ("backfile_free_bytes", ""): 9_000_000,
    }
    assert [one.name for one in tmp_path.iterdir()] == ["backfile.prom"]


def test_the_last_success_outlives_failures(tmp_path: Path) -> None:
    """A night that failed says so, and leaves standing when one last succeeded; old causes are gone."""
    path = tmp_path / "backfile.prom"
    write_metrics(path, NIGHT)
    write_metrics(path, replace(NIGHT, status=Exit.UNREACHABLE, started=1_700_086_400.0, causes={"tls": 1}))
    found = read(path)
    assert found["backfile_run_exit_status", "nightly"] == 7
    assert found["backfile_last_success_timestamp_seconds", "nightly"] == 1_700_000_061.5
    assert [key for key in found if key[0] == "backfile_run_failures"] == [("backfile_run_failures", "tls nightly")]


def test_commands_are_told_apart(tmp_path: Path) -> None:
    """A crawl by hand neither hides the last night nor passes for a night that succeeded."""
    path = tmp_path / "backfile.prom"
    write_metrics(path, replace(NIGHT, status=Exit.INCOMPLETE))
    write_metrics(path, replace(NIGHT, command="crawl", started=1_700_086_400.0, archive=replace(HELD, free=1)))
    found = read(path)
    assert found["backfile_run_exit_status", "nightly"] == 1
    assert found["backfile_run_exit_status", "crawl"] == 0
    assert ("backfile_last_success_timestamp_seconds", "nightly") not in found
    assert found["backfile_free_bytes", ""] == 1


def test_a_run_that_saw_no_archive_leaves_standing_what_was_known(tmp_path: Path) -> None:
    """An archive that could not be opened has the size it had."""
    path = tmp_path / "backfile.prom"
    write_metrics(path, NIGHT)
    write_metrics(path, RunFacts(HOME, "nightly", Exit.DAMAGED, 1_700_086_400.0, 0.1))
    found = read(path)
    assert found["backfile_run_exit_status", "nightly"] == 4
    assert found["backfile_archive_bytes", "media"] == 5_000_000


def test_an_archive_that_moved_leaves_nothing_behind(tmp_path: Path) -> None:
    """A file tells of one archive: what it said of another path would be true for ever."""
    path = tmp_path / "backfile.prom"
    write_metrics(path, NIGHT)
    write_metrics(path, replace(NIGHT, folder=Path("/mnt/archive")))
    assert "/srv" not in path.read_text(encoding="utf-8")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(["backfile_urls", "{", "}", '"', "=", "archive", " ", "1", "\n", "# TYPE ", "gauge"]))
    .map("".join)
    .map(str.encode)
)
def test_whatever_the_file_held_the_metrics_are_written(tmp_path: Path, before: bytes) -> None:
    """A file that somebody else wrote, or half wrote, is replaced."""
    path = tmp_path / "backfile.prom"
    path.write_bytes(before)
    write_metrics(path, NIGHT)
    assert read(path)["backfile_run_requests", "nightly"] == 120


def test_a_folder_that_is_not_there_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be written is said once, with the path, and changes nothing else."""
    with caplog.at_level(logging.WARNING):
        write_metrics(tmp_path / "nowhere" / "backfile.prom", NIGHT)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "nowhere" in caplog.text


def test_a_run_that_could_not_begin_has_a_status_and_an_end(tmp_path: Path) -> None:
    """Without an archive to open there is nothing to count, and nothing is made up."""
    facts = facts_of(tmp_path, "nightly", 1_700_000_000.0, Exit.DAMAGED)
    assert (facts.status, facts.archive, facts.tally) == (Exit.DAMAGED, None, Tally())
    assert facts.seconds > 0


async def test_an_archive_is_measured(tmp_path: Path) -> None:
    """What a crawl left, as the disk and the public views have it."""
    async with Newsroom(Options(articles=5)) as room:
        summary = await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1")
    found = facts_of(tmp_path, "crawl", 1_700_000_000.0, Exit.OK, summary).archive
    assert found is not None
    assert found.database == (tmp_path / "archive.db").stat().st_size
    assert found.media == sum(path.stat().st_size for path in (tmp_path / "media").rglob("*.*"))
    assert found.urls["article"]["done"] == 5
    assert found.standing == 0


def test_by_default_there_is_no_file(tmp_path: Path) -> None:
    """Without the key there is nothing to write."""
    (tmp_path / "config.toml").touch()
    path = metrics_file(load(tmp_path / "config.toml", environment={}))
    assert path is None


@pytest.mark.parametrize("name", ["backfile.prom", "/var/lib/backfile.txt"])
def test_a_file_that_no_collector_reads_is_refused(tmp_path: Path, name: str) -> None:
    """A relative path depends on where cron starts, and another ending is not collected."""
    path = tmp_path / "config.toml"
    path.write_text(f'[report]\nmetrics_file = "{name}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="metrics_file"):
        metrics_file(load(path, environment={}))
