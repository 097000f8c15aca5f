"""Encrypted connections: whom we believe, and that a key given to https is not shouted over http."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from crawler.errors import Fault, FaultKind
from crawler.fetch import Fetcher, FetchSettings
from crawler.network import ConnectTo
from tests.security.server import Server, ok, redirect, running

HOST = "api.example"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def serving(authority: trustme.CA, name: str = HOST, expires: datetime | None = None) -> ssl.SSLContext:
    """Return what a server with a certificate for `name` needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=expires).configure_cert(context)
    return context


@contextmanager
def trusting(authority: trustme.CA) -> Iterator[str]:
    """Yield the file of an authority that is to be trusted."""
    with authority.cert_pem.tempfile() as name:
        yield name


def fetcher(server: Server, ca_file: str = "", plain: Server | None = None) -> Fetcher:
    """Return a client that reaches `api.example` at a server, by https and, where there is one, by http."""
    rules = [ConnectTo(HOST, 443, "127.0.0.1", server.port)]
    rules += [ConnectTo(HOST, 80, "127.0.0.1", plain.port)] if plain else []
    return Fetcher(FetchSettings("t", ca_file=ca_file, connect_to=tuple(rules)), HOST.__eq__)


async def test_a_certificate_of_a_trusted_authority_is_believed() -> None:
    """With the authority in `ca_file` the right name is served."""
    authority = trustme.CA()
    async with running(serving(authority)) as server:
        server.answers["/a"] = ok(b"x")
        with trusting(authority) as ca_file:
            async with fetcher(server, ca_file) as client:
                assert (await client.page(f"https://{HOST}/a", api_key="secret")).body == b"x"


@pytest.mark.parametrize(
    "name, expires, trusted",
    [(HOST, None, False), ("other.example", None, True), (HOST, LONG_AGO, True)],
    ids=["unknown authority", "another name", "expired"],
)
async def test_no_other_certificate_is(name: str, expires: datetime | None, trusted: bool) -> None:
    """An unknown authority, another host's name and an expired certificate end the connection before a key is sent."""
    authority = trustme.CA()
    async with running(serving(authority, name, expires)) as server:
        with trusting(authority) as ca_file:
            async with fetcher(server, ca_file if trusted else "") as client:
                with pytest.raises(Fault) as caught:
                    await client.page(f"https://{HOST}/a", api_key="secret")
    assert caught.value.kind is FaultKind.TLS
    assert not server.requests


@pytest.mark.parametrize("keyed", [False, True])
async def test_the_key_is_not_sent_after_a_downgrade(keyed: bool) -> None:
    """A redirect from https to http of the same host is followed without the key; with it in the URL, not at all."""
    authority = trustme.CA()
    path = "/a?key=secret-key-of-the-newsroom" if keyed else "/a"
    async with running(serving(authority)) as server, running() as plain:
        server.answers[path] = redirect(f"http://{HOST}{path}")
        plain.answers[path] = ok(b"{}")
        with trusting(authority) as ca_file:
            async with fetcher(server, ca_file, plain) as client:
                if keyed:
                    with pytest.raises(Fault) as caught:
                        await client.page(f"https://{HOST}{path}", keyed=True)
                    assert caught.value.kind is FaultKind.REDIRECT_REFUSED
                else:
                    await client.page(f"https://{HOST}{path}", api_key="secret-key-of-the-newsroom")
    assert "secret" in str(server.requests)
    assert "secret" not in str(plain.requests)
    assert len(plain.requests) == (0 if keyed else 1)


class Waited:
    """A sink that says when all of a body has come."""

    def __init__(self, whole: bytes) -> None:
        self.body, self.whole = b"", whole
        self.came = asyncio.Event()

    def write(self, chunk: bytes, /) -> None:
        """Keep the next part."""
        self.body += chunk
        if self.body == self.whole:
            self.came.set()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("said", [False, True], ids=["cut", "closed"])
@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"\r\nhello"],
    ids=["length", "chunked", "until the close"],
)
async def test_a_body_that_lasts_until_the_close_ends_where_the_server_says_so(
    framing: bytes, said: bool, version: ssl.TLSVersion
) -> None:
    """Where a connection ends without TLS's word for it, only a body that shows that it is whole is taken for that."""
    authority, sink = trustme.CA(), Waited(b"hello")
    context = serving(authority)
    context.minimum_version = context.maximum_version = version

    async def answer(_path: str, _headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing)
        await sink.came.wait()
        if not said:
            writer.transport.abort()

    async with running(context) as server:
        server.answers["/a"] = answer
        with trusting(authority) as ca_file:
            async with fetcher(server, ca_file) as client:
                if said or framing != b"\r\nhello":
                    assert (await client.media(f"https://{HOST}/a", sink)).status == 200
                else:
                    with pytest.raises(Fault) as caught:
                        await client.media(f"https://{HOST}/a", sink)
                    assert caught.value.kind is FaultKind.SHORT_BODY
    assert sink.body == b"hello"


async def test_an_authority_file_adds_and_does_not_replace(tmp_path: Path) -> None:
    """A file that holds no certificate is an error at once, not a reason to trust nobody or everybody."""
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate")
    with pytest.raises(ssl.SSLError):
        async with Fetcher(FetchSettings("t", ca_file=str(empty)), HOST.__eq__):
            raise AssertionError("the client opened")
