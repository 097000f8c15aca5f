"""The configuration: defaults, overrides, and mistakes that are named."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from backfile.config import Config, load, preset
from backfile.errors import ConfigError
from backfile.settings import Settings, SiteTable
from backfile.sites import configured_targets, proxy_secrets_of, secrets_of, sites_of

ROOT = Path(__file__).resolve().parents[2]
SITE = '[[sites]]\nname = "dm"\nbase_url = "https://www.example.org"\n'


def loaded(tmp_path: Path, text: str, **environment: str) -> Config:
    """Load a configuration from this text."""
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environment=environment)


def test_the_default_is_valid_and_names_both_newsrooms() -> None:
    """The configuration at the root can be used as it stands, holds no key, and is the built-in one."""
    config = load(ROOT / "config.toml", environment={})
    sites = sites_of(config, {})
    assert [site.name for site in sites] == ["dm", "olj"]
    assert not any(site.api_key for site in sites)
    assert preset() == (ROOT / "config.toml").read_text(encoding="utf-8")


def test_the_file_at_the_root_states_the_defaults() -> None:
    """What the commented file says is what holds without it."""
    stated = load(ROOT / "config.toml", environment={}).settings
    for table in ("archive", "crawl", "nightly", "recheck", "network", "reader", "listen", "report", "log"):
        assert getattr(stated, table) == getattr(Settings(), table)


def test_every_key_is_documented_with_its_default() -> None:
    """The reference names every key of every table, and no other."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for table in fields(Settings):
        heading = "[[sites]]" if table.name == "sites" else f"[{table.name}]"
        section = text.split(f"## `{heading}`", 1)[1].split("\n## ", 1)[0]
        documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        owner = SiteTable() if table.name == "sites" else getattr(Settings(), table.name)
        assert documented == [field.name for field in fields(owner)]


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    """A variable named after table and key wins over the file, with the same checks."""
    config = loaded(
        tmp_path,
        "[crawl]\nrate = 1.0\n",
        BACKFILE_CRAWL_RATE="2.5",
        BACKFILE_CRAWL_ROBOTS="false",
        BACKFILE_NETWORK_CONNECT_TO="a:1:b:2, c:3:d:4",
    )
    assert config.settings.crawl.rate == 2.5
    assert config.settings.crawl.robots is False
    assert config.settings.network.connect_to == ("a:1:b:2", "c:3:d:4")


@pytest.mark.parametrize(
    "name, words",
    [
        ("BACKFILE_CRAWL_CONCURENCY", "did you mean BACKFILE_CRAWL_CONCURRENCY?"),
        ("BACKFILE_ARCHIVE", "did you mean BACKFILE_ARCHIVE_PATH?"),
        ("BACKFILE_DM_KYE", "did you mean BACKFILE_DM_KEY?"),
        ("BACKFILE_REPORT_FROBNICATE", "did you mean BACKFILE_<TABLE>_<KEY>, or the api_key_env of a site?"),
    ],
)
def test_a_variable_that_nothing_reads_is_named_with_the_nearest(tmp_path: Path, name: str, words: str) -> None:
    """A misspelt override is as much an error as a misspelt key."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, SITE + 'api_key_env = "BACKFILE_DM_KEY"\n', **{name: "2"})
    assert name in str(caught.value)
    assert words in str(caught.value)


def test_the_secrets_of_other_configurations_may_be_in_the_environment(tmp_path: Path) -> None:
    """What a site of this configuration names may have any name; others' go by their endings."""
    text = SITE + 'api_key_env = "BACKFILE_TOKEN"\nwebhook_secret_env = "BACKFILE_DM_SIGNATURE"\n'
    mine = {"BACKFILE_TOKEN": "x", "BACKFILE_DM_SIGNATURE": "x", "BACKFILER": "x", "BACKFILE_HOME": "x"}
    loaded(tmp_path, text, **mine, BACKFILE_OLJ_KEY="x", BACKFILE_DM_HOOK="x", BACKFILE_DM_SECRET="x")


def test_the_archive_lies_beside_its_file_unless_told(tmp_path: Path) -> None:
    """A path in a file is relative to the file; one from the environment or a flag is taken as given."""
    assert loaded(tmp_path, '[archive]\npath = "kept"\n').archive == tmp_path / "kept"
    assert loaded(tmp_path, "", BACKFILE_ARCHIVE_PATH="elsewhere").archive == Path("elsewhere")
    assert load(tmp_path / "config.toml", archive=Path("flag"), environment={}).archive == Path("flag")


@pytest.mark.parametrize(
    "text, words",
    [
        ("[crawl]\nratee = 1\n", ["'ratee'", "[crawl]", "'rate'"]),
        ("[crwl]\nrate = 1\n", ["'crwl'", "'crawl'"]),
        ('[crawl]\nrate = "fast"\n', ["[crawl] rate", "'fast'", "a number"]),
        ("[crawl]\nconcurrency = 0\n", ["concurrency", "0", "between 1 and 512"]),
        ("[crawl]\nconcurrency = true\n", ["concurrency", "True", "whole number"]),
        ("[crawl]\nrate = nan\n", ["rate", "between"]),
        ("[crawl]\nrobots = 1\n", ["robots", "true or false"]),
        ('[log]\nlevel = "loud"\n', ["level", "'loud'", "debug"]),
        ("crawl = 3\n", ["[crawl]", "not a table"]),
        ('[sites]\nname = "x"\n', ["[[sites]]"]),
        ("[[sites]]\nnam = 1\n", ["'nam'", "'name'"]),
        ("not toml at all", ["not valid TOML"]),
        ('[nightly]\ntime_limit = "soon"\n', ["[nightly] time_limit", "'soon'", "90m"]),
        ('[network]\nproxy = "not a url"\n', ["[network] proxy", "'not a url'", "http://"]),
        ('[network]\nproxy = "socks5://127.0.0.1:1080"\n', ["[network] proxy", "'socks5://127.0.0.1:1080'"]),
        ('[network]\nproxy = "http://127.0.0.1:99999"\n', ["[network] proxy", "99999"]),
        ('[crawl]\ncontact = "a@b.org\\nX-Forged: yes"\n', ["[crawl] contact", "line break"]),
        ('[crawl]\nblock_patterns = ["("]\n', ["[crawl] block_patterns", "'('", "\\"]),
        ('[report]\nmetrics_file = "run.prom"\n', ["[report] metrics_file", "'run.prom'", "absolute"]),
    ],
)
def test_a_mistake_is_named_with_its_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    """File, table, key, value and remedy are in the message."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    for word in [str(tmp_path / "config.toml"), *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "text, words",
    [
        ('[[sites]]\nname = "DM!"\nbase_url = "https://x.org"\n', ["name", "'DM!'"]),
        ('[[sites]]\nname = "dm"\n', ["base_url", "https://"]),
        ('[[sites]]\nname = "dm"\nbase_url = "ftp://x"\n', ["base_url", "'ftp://x'"]),
        (SITE + 'timezone = "Mars/Olympus"\n', ["timezone", "'Mars/Olympus'"]),
        (SITE + 'media_hosts = ["https://cdn.org/"]\n', ["media_hosts", "without https://"]),
        (SITE + 'api_key_file = "/nowhere/key"\n', ["api_key_file", "/nowhere/key"]),
        (SITE.replace("https://www.example.org", "https://["), ["base_url", "'https://['"]),
        (SITE + 'hosts = ["a b"]\n', ["hosts", "'a b'"]),
        (SITE + SITE, ["'dm'", "Rename"]),
        (SITE + SITE.replace("dm", "olj"), ["www.example.org", "dm", "olj"]),
    ],
)
def test_a_site_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    """What is wrong with a site is said with its block, key and value."""
    with pytest.raises(ConfigError) as caught:
        sites_of(loaded(tmp_path, text), {})
    for word in words:
        assert word in str(caught.value)


def test_keys_come_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    """A key file that others can read is refused; the environment comes first."""
    key = tmp_path / "key"
    key.write_text("from-file\n", encoding="utf-8")
    key.chmod(0o600)
    config = loaded(tmp_path, SITE + f'api_key_env = "DM_KEY"\napi_key_file = "{key}"\n')
    assert sites_of(config, {})[0].api_key == "from-file"
    assert sites_of(config, {"DM_KEY": "from-environment"})[0].api_key == "from-environment"
    key.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        sites_of(config, {})


def test_a_configured_target_that_is_none_is_named_with_its_place(tmp_path: Path) -> None:
    """File, table, key and value: the mistake is not on the command line."""
    config = loaded(tmp_path, SITE + 'targets = ["dm:category/africa", "dm:nosuch/x"]\n')
    with pytest.raises(ConfigError) as caught:
        configured_targets(config, sites_of(config, {}))
    for word in (str(tmp_path / "config.toml"), "[[sites]] dm targets", "dm:nosuch/x", "dm:category/SLUG"):
        assert word in str(caught.value)


@pytest.mark.parametrize("key, what", [("hush\nhush", "a line break"), ("hush“hush", "U+201C"), ("hu\0sh", "U+0000")])
def test_a_key_that_no_header_can_carry_is_refused_unseen(tmp_path: Path, key: str, what: str) -> None:
    """From the environment or from a file, for either API: said before anything is asked, without the key."""
    file = tmp_path / "key"
    file.write_text(key, encoding="utf-8")
    file.chmod(0o600)
    keys = f'api_key_env = "DM_KEY"\nclassic_key_env = "CLASSIC"\napi_key_file = "{file}"\n'
    config = loaded(tmp_path, SITE + keys)
    for variables, where in (
        ({"DM_KEY": key}, "api_key_env: the key in DM_KEY"),
        ({"DM_KEY": "sound", "CLASSIC": key}, "classic_key_env: the key in CLASSIC"),
        ({}, f"api_key_file: {str(file)!r}"),
    ):
        with pytest.raises(ConfigError) as caught:
            sites_of(config, variables)
        assert f"{config.source}: [[sites]] dm {where} holds {what}" in str(caught.value)
        assert "hu" not in str(caught.value)


def test_a_blank_variable_holds_no_key_and_a_blank_file_is_a_mistake(tmp_path: Path) -> None:
    """A variable that is set to nothing is as good as unset, so that the file counts; that must hold something."""
    file = tmp_path / "key"
    file.write_text("from-file\n", encoding="utf-8")
    file.chmod(0o600)
    blank = {"DM_KEY": "  ", "CLASSIC": " "}
    keys = f'api_key_env = "DM_KEY"\nclassic_key_env = "CLASSIC"\napi_key_file = "{file}"\n'
    config = loaded(tmp_path, SITE + keys)
    (site,) = sites_of(config, blank)
    assert (site.api_key, site.classic_key) == ("from-file", "")
    file.write_text(" \n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[\[sites\]\] dm api_key_file .* is empty"):
        sites_of(config, blank)


def test_a_proxy_that_is_none_is_named_without_its_password(tmp_path: Path) -> None:
    """Whatever is wrong with it."""
    for proxy in ("me:hush@127.0.0.1:3128", "http://me:hush@127.0.0.1:99999", "http://me:hu/sh@[:1"):
        with pytest.raises(ConfigError) as caught:
            loaded(tmp_path, f'[network]\nproxy = "{proxy}"\n')
        assert "********@" in str(caught.value)
        assert "hu" not in str(caught.value)


def test_the_password_of_a_proxy_is_a_secret_of_the_logs(tmp_path: Path) -> None:
    """An error of the library may spell the proxy's URL; its password is masked as it is, and as it is spelt."""
    config = loaded(tmp_path, SITE + '[network]\nproxy = "http://me:top%2Fsecret@127.0.0.1:3128"\n')
    assert [secret.value for secret in proxy_secrets_of(config)] == ["top%2Fsecret", "top/secret"]
    assert proxy_secrets_of(loaded(tmp_path, SITE)) == ()


def test_secrets_never_print(tmp_path: Path) -> None:
    """Neither a secret nor a site shows its key."""
    sites = sites_of(loaded(tmp_path, SITE + 'api_key_env = "DM_KEY"\n'), {"DM_KEY": "hush-hush"})
    assert "hush" not in repr(sites) + repr(secrets_of(sites)) + str(secrets_of(sites)[0])
