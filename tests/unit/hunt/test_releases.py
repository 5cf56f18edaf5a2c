"""Pinned releases: the digest decides, the cache comes first, and a lying index is found out."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from sekisho.hunt import ReleaseRefused, ReleaseUnreachable, fetch_release, releases

WHEEL = b"not really a wheel"
SHA256 = hashlib.sha256(WHEEL).hexdigest()


class Index:
    """A package index on loopback: pages by path, and what was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                status, body = index.pages.get(self.path, (404, b""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple/"

    def lists(self, *files: dict[str, Any], body: bytes = WHEEL) -> None:
        """List `files` for the package `some-name`, and serve `body` as the wheel."""
        page = {"meta": {"api-version": "1.0"}, "name": "some-name", "files": list(files)}
        self.pages["/simple/some-name/"] = (200, json.dumps(page).encode())
        self.pages["/files/some_name-1.0-py3-none-any.whl"] = (200, body)


FILE = {
    "filename": "some_name-1.0-py3-none-any.whl",
    "url": "../../files/some_name-1.0-py3-none-any.whl",
    "hashes": {"sha256": SHA256},
}


@pytest.fixture
def index() -> Iterator[Index]:
    """A running index."""
    made = Index()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def _fetch(index: Index, cache: Path, *, name: str = "Some_Name", version: str = "1.0", sha256: str = SHA256) -> Path:
    return fetch_release(name, version, sha256, cache, index_url=index.url, environ={})


def test_the_pinned_file_is_fetched_once(index: Index, tmp_path: Path) -> None:
    """Names are normal (PEP 503), addresses may be relative, and the second time nobody is asked."""
    index.lists(FILE)
    path = _fetch(index, tmp_path / "cache")
    assert path.read_bytes() == WHEEL
    asked = list(index.asked)
    assert _fetch(index, tmp_path / "cache") == path
    assert index.asked == asked
    assert list((tmp_path / "cache").iterdir()) == [path]


def test_a_cache_that_was_tampered_with_is_fetched_anew(index: Index, tmp_path: Path) -> None:
    """The cache is trusted by digest alone."""
    index.lists(FILE)
    path = _fetch(index, tmp_path)
    path.write_bytes(b"something else")
    assert _fetch(index, tmp_path).read_bytes() == WHEEL


def test_another_file_under_the_pinned_name_is_refused(index: Index, tmp_path: Path) -> None:
    """An index that sends other bytes than it lists is found out, and they are not kept."""
    index.lists(FILE, body=b"not the wheel at all")
    with pytest.raises(ReleaseRefused):
        _fetch(index, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "page",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"files":{}}',
        b'{"files":[{"url":1}]}',
        b'{"files":[{"url":"a","hashes":[]}]}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_page_that_is_not_an_index_is_refused(index: Index, tmp_path: Path, page: bytes) -> None:
    """PEP 691 JSON or a refusal; never a traceback."""
    index.pages["/simple/some-name/"] = (200, page)
    with pytest.raises(ReleaseRefused):
        _fetch(index, tmp_path)


def test_a_release_that_is_not_listed_is_refused(index: Index, tmp_path: Path) -> None:
    """Not the package, not the digest, or not a wheel."""
    with pytest.raises(ReleaseRefused):
        _fetch(index, tmp_path)
    index.lists(FILE | {"hashes": {"sha256": "0" * 64}}, FILE | {"url": "some_name-1.0.tar.gz"})
    with pytest.raises(ReleaseRefused):
        _fetch(index, tmp_path)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "http://files.example/w.whl", "ftp://127.0.0.1/w.whl"])
def test_an_index_cannot_send_us_elsewhere_than_https(index: Index, tmp_path: Path, url: str) -> None:
    """A page that names a local file or a plain address is refused before anything is opened."""
    index.lists(FILE | {"url": url if url.endswith(".whl") else url + ".whl"})
    with pytest.raises(ReleaseRefused):
        _fetch(index, tmp_path)


def test_what_is_too_large_is_refused(index: Index, tmp_path: Path) -> None:
    """An endless answer ends at the limit."""
    index.lists(FILE)
    with mock.patch.object(releases, "MAX_ARCHIVE_BYTES", 5), pytest.raises(ReleaseRefused):
        _fetch(index, tmp_path)


def test_offline_is_its_own_error(index: Index, tmp_path: Path) -> None:
    """No index, or one in trouble, is told apart from a false release; the cache still serves."""
    index.pages["/simple/some-name/"] = (503, b"")
    with pytest.raises(ReleaseUnreachable):
        _fetch(index, tmp_path)
    with pytest.raises(ReleaseUnreachable):
        fetch_release("some-name", "1.0", SHA256, tmp_path, index_url="http://127.0.0.1:9/simple/", environ={})
    (tmp_path / f"some-name-1.0-{SHA256[:16]}.whl").write_bytes(WHEEL)
    assert _fetch(index, tmp_path).read_bytes() == WHEEL


@pytest.mark.parametrize(
    "pin", [{"name": "../x"}, {"name": ""}, {"version": "../1"}, {"sha256": "0" * 63}, {"sha256": "A" * 64}]
)
def test_a_pin_without_the_right_form_is_refused(index: Index, tmp_path: Path, pin: dict[str, str]) -> None:
    """Name and version become part of a path and an address."""
    with pytest.raises(ReleaseRefused):
        _fetch(index, tmp_path, **pin)
    assert index.asked == []


def test_certificates_that_cannot_be_read_are_told(index: Index, tmp_path: Path) -> None:
    """PIP_CERT names a file that is not there: the message names the variable."""
    with pytest.raises(ReleaseUnreachable, match="PIP_CERT"):
        fetch_release("a", "1", SHA256, tmp_path, index_url=index.url, environ={"PIP_CERT": str(tmp_path / "no.pem")})
