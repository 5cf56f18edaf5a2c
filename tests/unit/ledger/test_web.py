"""A log at an address: what an honest server serves is verified, and what another does is bounded and named."""

import contextlib
import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import Fault, LedgerNotFound, Source, Trust, WebUnavailable, open_source, verify, verify_ledger
from sekisho.ledger.http_post import AddressRefused
from sekisho.ledger.web import Web
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.note import NoteSigner

Respond = Callable[[Any], None]
Serve = Callable[..., str]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing here: a verifier need not wait for who is just publishing."""
    monkeypatch.setattr(verify, "_SETTLE_S", 0)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a folder, or whatever `respond` makes of a request; return the address."""
    with contextlib.ExitStack() as stack:

        def start(folder: Path | None = None, respond: Respond | None = None, tls: ssl.SSLContext | None = None) -> str:
            class Handler(http.server.SimpleHTTPRequestHandler):
                protocol_version = "HTTP/1.1"

                def __init__(self, *args: Any) -> None:
                    super().__init__(*args, directory=str(folder))

                def do_GET(self) -> None:
                    super().do_GET() if respond is None else respond(self)

                def log_message(self, *args: Any) -> None:
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.handle_error = lambda *args: None  # type: ignore[method-assign]
            if tls is not None:
                server.socket = tls.wrap_socket(server.socket, server_side=True)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_address[1]}"

        yield start


def answer(handler: Any, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content_Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    with contextlib.suppress(OSError):
        handler.wfile.write(body)


def test_a_ledger_at_an_address_is_verified_as_in_a_folder(story: Any, serve: Serve) -> None:
    """The whole of it, its ledger/ folder, one log of it: the same sizes, roots and counts."""
    address = serve(story.data)
    for below in ("", "/ledger", "/ledger/", "/ledger/decisions", "/ledger/calls/gate-0"):
        there = verify_ledger(open_source(address + below), vkey=None)
        here = verify_ledger(story.data / below.strip("/"), vkey=None)
        assert there.is_verified, there.problems
        assert there.logs == here.logs
    assert verify_ledger(open_source(address), vkey=story.vkey("decisions")).trust is Trust.PINNED
    with pytest.raises(LedgerNotFound):
        verify_ledger(open_source(f"{address}/stores"), vkey=None)


def test_a_changed_file_at_an_address_is_named(story: Any, serve: Serve) -> None:
    """No file of the web is trusted more than one of a disk."""
    address = serve(story.data)
    for path in ("calls/gate-0/tile/entries/000.p/2", "decisions/tile/0/000.p/4", "decisions/checkpoint"):
        file = story.ledger / path
        good = file.read_bytes()
        file.write_bytes(good[:-2] + bytes([good[-2] ^ 1]) + good[-1:])
        report = verify_ledger(open_source(address), vkey=story.vkey("decisions"))
        assert path in {problem.where for problem in report.problems}
        file.write_bytes(good)


def test_a_log_that_is_named_and_not_served_is_missing(story: Any, serve: Serve) -> None:
    """There is no listing to hide it from: the decisions log says which logs there are."""
    shutil.rmtree(story.ledger / "calls")
    report = verify_ledger(open_source(serve(story.data)), vkey=None)
    assert {problem.fault for problem in report.problems} == {Fault.LOG_MISSING}


@pytest.mark.parametrize("size", [2**63 - 1, 2**40 + 3])
def test_a_signed_size_that_nobody_has_ends_at_the_first_missing_file(story: Any, serve: Serve, size: int) -> None:
    """Whoever has the key can sign any size; the reader's time follows the files that are served."""
    signer = NoteSigner("sekisho.example/decisions", story.key("decisions"))
    head = Checkpoint(origin=signer.verifier.name, size=size, root=b"\x01" * 32)
    (story.ledger / "decisions" / "checkpoint").write_bytes(sign_checkpoint(head, signer))
    report = verify_ledger(open_source(serve(story.data)), vkey=story.vkey("decisions"))
    assert Fault.FILE_MISSING in {problem.fault for problem in report.problems}


def redirect(handler: Any) -> None:
    answer(handler, 302, Location="http://127.0.0.1:9/checkpoint")


def compressed(handler: Any) -> None:
    answer(handler, 200, b"\x1f\x8b", Content_Encoding="gzip")


def cut_short(handler: Any) -> None:
    answer(handler, 200, b"short", Content_Length="500")
    handler.close_connection = True


def broken(handler: Any) -> None:
    handler.wfile.write(b"not HTTP at all\r\n\r\n")
    handler.close_connection = True


def forbidden(handler: Any) -> None:
    answer(handler, 403)


def failing(handler: Any) -> None:
    answer(handler, 503)


@pytest.mark.parametrize("respond", [redirect, compressed, cut_short, broken, forbidden, failing])
def test_an_answer_that_is_no_file_is_no_verdict(serve: Serve, respond: Respond) -> None:
    """Nothing is followed, unpacked or completed; the reader is told that the server does not serve."""
    with pytest.raises(WebUnavailable) as caught:
        Web.at(serve(respond=respond)).read("checkpoint", 100)
    assert caught.value.message.isprintable()


def test_a_file_without_end_is_read_to_its_limit(serve: Serve) -> None:
    """One byte more than the limit is enough to refuse it, with or without a length."""

    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b"x" * 65536)

    def huge(handler: Any) -> None:
        answer(handler, 200, b"x" * 200_000, Content_Length=str(2**62))

    for respond in (endless, huge):
        web = Web.at(serve(respond=respond))
        assert len(web.read("checkpoint", 100_000) or b"") == 100_001
        assert len(web.read("checkpoint", 10) or b"") == 11


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_server_that_drips_is_left(serve: Serve, first: bytes) -> None:
    """The time is one file's in all, headers and body: a byte now and then does not renew it."""
    left = threading.Event()

    def drip(handler: Any) -> None:
        with contextlib.suppress(OSError):
            handler.wfile.write(first)
            while not left.wait(0.05):
                handler.wfile.write(b"H")

    web = Web.at(serve(respond=drip), timeout_s=0.4)
    with pytest.raises(WebUnavailable, match="timed out"):
        web.read("checkpoint", 10_000)
    left.set()


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(serve: Serve) -> None:
    """Kept connections end at some time; that is no fault of the log's."""

    def once(handler: Any) -> None:
        answer(handler, 200, b"file")
        handler.close_connection = True

    web = Web.at(serve(respond=once))
    assert [web.read(path, 10) for path in ("a", "b", "c")] == [b"file"] * 3


@pytest.mark.parametrize(
    "address",
    ["ftp://host/x", "file:///etc", "http://", "https://user:secret@host/", "http://h/?q", "http://h/#f", "http://h /"],
)
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    """Only http and https, no credentials, nothing that could become a header."""
    with pytest.raises(AddressRefused):
        open_source(address)


def test_tls_is_verified_and_a_private_authority_comes_by_the_environment(
    story: Any, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody vouches for ends it; SSL_CERT_FILE names who vouches."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    address = serve(story.data, tls=tls)
    with pytest.raises(WebUnavailable, match=r"(?i)certificate"):
        verify_ledger(open_source(address), vkey=None)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert verify_ledger(open_source(address), vkey=None).is_verified


def test_a_place_below_an_address_keeps_its_name(serve: Serve, story: Any) -> None:
    """A log's name in a report is the last part of its path."""
    source: Source = open_source(serve(story.ledger)).below("calls").below("gate-0")
    assert source.name == "gate-0"
    assert source.place.endswith("/calls/gate-0")
    assert source.folder is None
    assert source.read("vkey", 1000) == f"{story.vkey('calls/gate-0')}\n".encode()
