"""Time stamps (src/sekisho/ledger/timestamps.py), against an authority made of `openssl ts`."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from typer.testing import CliRunner

from sekisho.cli.ledger import app
from sekisho.core import SekishoError, SteadyClock
from sekisho.ledger import Log, Trusted, export_ledger, verify_ledger
from sekisho.ledger.errors import LogDamaged
from sekisho.ledger.http_post import AddressRefused, PostFailed
from sekisho.ledger.source import Folder
from sekisho.ledger.stamp_folder import StampFolder, is_stamp_file
from sekisho.ledger.timestamps import (
    RootsRefused,
    StampRefused,
    ask_by_http,
    check_stamp,
    check_stamps,
    read_roots,
    request_stamp,
)
from sekisho.server.system import SystemClock
from sekisho.tlog.note import NoteVerifier

# What openssl stamps with.
NOW = SystemClock().now
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

CONFIG = """
[tsa]
serial = ./serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256,sha512
ess_cert_id_alg = sha256
"""
STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
DAY = timedelta(days=1)


class Authority:
    """A certification authority by `cryptography`, and answers under it by `openssl ts`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG)
        self._ca = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority root")])
        self._serial = 1
        root = self._certificate(self._name, self._ca.public_key(), 1, NOW() - DAY, NOW() + DAY)
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        root = root.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._ca.public_key()), critical=False)
        self.root = folder / "ca.pem"
        self.root.write_bytes(self._sign(root).public_bytes(Encoding.PEM))
        self.key = ec.generate_private_key(ec.SECP256R1())
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "tsa.key").write_bytes(pem)
        self.certificate = self.issue()

    def issue(
        self,
        *,
        purposes: Sequence[x509.ObjectIdentifier] = (STAMPING,),
        opens: timedelta = -DAY,
        closes: timedelta = DAY,
    ) -> x509.Certificate:
        """Return a certificate of the one key and serial number."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority 1")])
        made = self._certificate(name, self.key.public_key(), 2, NOW() + opens, NOW() + closes)
        made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
        key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca.public_key())
        return self._sign(made.add_extension(key, critical=False))

    def answer(self, request: bytes, certificate: x509.Certificate | None = None) -> bytes:
        (self.folder / "tsa.pem").write_bytes((certificate or self.certificate).public_bytes(Encoding.PEM))
        (self.folder / "query").write_bytes(request)
        keys = ("-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply")
        self.run("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query", *keys)
        return (self.folder / "reply").read_bytes()

    def run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def _certificate(
        self, subject: x509.Name, key: Any, serial: int, opens: datetime, closes: datetime
    ) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        return made.serial_number(serial).not_valid_before(opens).not_valid_after(closes)

    def _sign(self, made: x509.CertificateBuilder) -> x509.Certificate:
        return made.sign(self._ca, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "one")


@pytest.fixture
def stamped(programme: Any) -> tuple[bytes, NoteVerifier, Path]:
    """The checkpoint of a log of 5 entries, its key and its folder."""
    log = programme.log("decisions")
    for version in range(5):
        log.append(programme.snapshot(version)).result()
    log.close()
    folder = programme.ledger / "decisions"
    return (folder / "checkpoint").read_bytes(), NoteVerifier.parse(log.vkey), folder


def test_a_stamp_says_tree_time_and_authority(authority: Authority, stamped: Any) -> None:
    """The answer to our own request is good, and good again when it is read later."""
    note, verifier, _ = stamped
    stamp, answer = request_stamp(note, verifier, read_roots(authority.root), authority.answer, clock=SystemClock())
    assert (stamp.origin, stamp.size, stamp.authority) == ("sekisho.example/decisions", 5, "CN=Test authority 1")
    assert abs(stamp.at - NOW()) < timedelta(minutes=1)
    assert check_stamp(note, answer, verifier, read_roots(authority.root)) == stamp


def test_openssl_verifies_what_we_keep(authority: Authority, stamped: Any, tmp_path: Path) -> None:
    """Two files and the root are all that another tool needs."""
    note, verifier, _ = stamped
    _, answer = request_stamp(note, verifier, read_roots(authority.root), authority.answer, clock=SystemClock())
    path = StampFolder(tmp_path).add(note, answer, 5)
    kept = path.with_name(path.name.rsplit(".", 2)[0] + ".note")
    authority.run("ts", "-verify", "-in", str(path), "-data", str(kept), "-CAfile", str(authority.root))


def test_bad_stamps_are_refused(authority: Authority, stamped: Any, tmp_path: Path) -> None:
    """Wrong message, wrong root, wrong key usage, a refusal, garbage."""
    note, verifier, _ = stamped
    roots = read_roots(authority.root)
    answers: list[bytes] = []

    def keep(request: bytes) -> bytes:
        answers.append(request)
        return authority.answer(request)

    _, answer = request_stamp(note, verifier, roots, keep, clock=SystemClock())
    other = Authority(tmp_path / "other")
    with pytest.raises(StampRefused):
        check_stamp(note, answer, verifier, read_roots(other.root))
    with pytest.raises(StampRefused):
        check_stamp(note, other.answer(answers[0]), verifier, roots)
    with pytest.raises(StampRefused):
        check_stamp(note, authority.answer(answers[0][:-30]), verifier, roots)
    # A signature line more is another note: the imprint is over all of it.
    with pytest.raises(StampRefused, match="Mismatch"):
        check_stamp(note + "\u2014 other AAAAAAA=\n".encode(), answer, verifier, roots)
    for bad in (b"", b"\x30\x00", answer[:-1], answer + b"\0", b"\x30\x80" * 1_000, bytes(len(answer))):
        with pytest.raises(StampRefused):
            check_stamp(note, bad, verifier, roots)


def test_a_certificate_for_another_use_does_not_stamp(authority: Authority, stamped: Any) -> None:
    """RFC 3161 2.3: the key purpose is time stamping, and nothing else will do."""
    note, verifier, _ = stamped
    web = authority.issue(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))

    def swapped(request: bytes) -> bytes:
        # openssl itself does not sign with such a certificate; the same key's other one is as long.
        answer = authority.answer(request)
        return answer.replace(authority.certificate.public_bytes(Encoding.DER), web.public_bytes(Encoding.DER))

    with pytest.raises(StampRefused, match="purpose"):
        request_stamp(note, verifier, read_roots(authority.root), swapped, clock=SystemClock())


def test_a_certificate_that_has_ended_does_not_stamp(authority: Authority, stamped: Any) -> None:
    """Validity is judged at the time of the stamp."""
    note, verifier, _ = stamped
    for opens, closes in ((-2 * DAY, -DAY), (DAY / 2, DAY)):
        certificate = authority.issue(opens=opens, closes=closes)
        with pytest.raises(StampRefused):
            request_stamp(
                note,
                verifier,
                read_roots(authority.root),
                lambda request, certificate=certificate: authority.answer(request, certificate),
                clock=SystemClock(),
            )


def test_an_answer_to_another_request_is_refused(authority: Authority, stamped: Any) -> None:
    """The nonce: an old answer over the same checkpoint cannot be played again."""
    note, verifier, _ = stamped
    roots = read_roots(authority.root)
    _, old = request_stamp(note, verifier, roots, authority.answer, clock=SystemClock())
    with pytest.raises(StampRefused, match="nonce"):
        request_stamp(note, verifier, roots, lambda _request: old, clock=SystemClock())


def test_an_authority_of_another_time_is_refused(authority: Authority, stamped: Any, clock: SteadyClock) -> None:
    """A stamp that is not of now is not what was asked for."""
    note, verifier, _ = stamped
    with pytest.raises(StampRefused, match="clock"):
        request_stamp(note, verifier, read_roots(authority.root), authority.answer, clock=clock)


def test_only_a_checkpoint_of_the_log_is_stamped(authority: Authority, stamped: Any, programme: Any) -> None:
    """Neither another log's, nor what nobody signed; the authority is not asked."""
    note, _, _ = stamped
    other = NoteVerifier.parse(programme.vkey("calls/gate-0"))

    def ask(_request: bytes) -> bytes:
        raise AssertionError("asked")

    with pytest.raises(SekishoError):
        request_stamp(note, other, read_roots(authority.root), ask, clock=SystemClock())


@pytest.fixture
def served(authority: Authority) -> Iterator[str]:
    """The authority's address over HTTP on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            request = self.rfile.read(int(self.headers["Content-Length"]))
            is_known = self.path == "/tsr"
            body = authority.answer(request) if is_known else b"<html>"
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply" if is_known else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tsr"
    server.shutdown()
    thread.join()
    server.server_close()


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["stamp", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_command_stamps_over_http_and_checks_later(
    authority: Authority, served: str, stamped: Any, programme: Any
) -> None:
    """Kept beside the log, where verification knows it; good after the log has grown past its partial tiles."""
    _, verifier, folder = stamped
    code, output = run(programme.data, "--tsa", served, "--tsa-root", authority.root, "--json")
    assert code == 0
    assert json.loads(output)[0]["size"] == 5
    log = programme.log("decisions")
    for future in [log.append(programme.snapshot(version)) for version in range(5, 600)]:
        future.result()
    log.close()
    assert run(programme.data, "--tsa", served, "--tsa-root", authority.root)[0] == 0
    code, output = run(folder, "--check", "--tsa-root", authority.root, "--json")
    assert [one["size"] for one in json.loads(output)] == [5, 600]
    assert verify_ledger(folder, vkey=verifier.vkey).is_verified
    (folder / "stamps" / "5.tsr").write_bytes(b"")
    assert not verify_ledger(folder, vkey=verifier.vkey).is_verified


def test_verification_checks_stamps_under_a_root_that_is_given(
    authority: Authority, served: str, stamped: Any, programme: Any, tmp_path: Path
) -> None:
    """Good: 0, and told; of another authority, or none there: 1, although the ledger itself verifies."""

    def verified(root: Path) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(app, ["verify", str(programme.data), "--tsa-root", str(root), "--json"])
        return done.exit_code, json.loads(done.stdout)

    code, told = verified(authority.root)
    assert (code, told["verified"], told["stamps"], told["problems"]) == (1, False, [], [])
    assert told["stamps_refused"] == ["no time stamp is kept beside any log"]
    with pytest.raises(SekishoError, match="SKS-CLI-210"):
        run(programme.data, "--check", "--tsa-root", authority.root)
    assert run(programme.data, "--tsa", served, "--tsa-root", authority.root)[0] == 0
    code, told = verified(authority.root)
    assert (code, told["verified"], told["stamps_refused"]) == (0, True, [])
    assert (told["stamps"][0]["log"], told["stamps"][0]["size"]) == ("decisions", 5)
    code, told = verified(Authority(tmp_path / "other").root)
    assert (code, told["verified"], told["stamps"], told["problems"]) == (1, False, [], [])
    assert "decisions: the time stamp of size 5 is not good" in told["stamps_refused"][0]
    ended = CliRunner().invoke(app, ["verify", str(programme.data), "--tsa-root", str(tmp_path / "other" / "ca.pem")])
    assert ended.stdout.splitlines()[-1] == "NOT VERIFIED: a time stamp is refused"


def test_a_log_that_lost_or_changed_what_was_stamped_is_found(
    authority: Authority, stamped: Any, programme: Any, tmp_path: Path
) -> None:
    """A stamp outlives a rollback: the tree of then is not in the log of now."""
    note, verifier, folder = stamped
    roots = read_roots(authority.root)
    _, answer = request_stamp(note, verifier, roots, authority.answer, clock=SystemClock())
    for name, versions in (("shorter", range(4)), ("other", range(10, 17))):
        log = Log.open(
            store=tmp_path / f"{name}.db",
            public=tmp_path / name,
            origin=verifier.name,
            key=programme.key("decisions"),
            clock=SystemClock(),
        )
        for version in versions:
            log.append(programme.snapshot(version)).result()
        log.close()
        StampFolder(tmp_path / name).add(note, answer, 5)
        with pytest.raises(StampRefused, match="lost entries" if name == "shorter" else "does not begin"):
            check_stamps(Folder(tmp_path / name), verifier, roots)
    StampFolder(folder).add(note, answer, 5)
    assert len(check_stamps(Folder(folder), verifier, roots)) == 1
    next((folder / "stamps").glob("*.note")).unlink()
    with pytest.raises(LogDamaged):
        check_stamps(Folder(folder), verifier, roots)


def test_an_authority_that_answers_otherwise_is_refused(served: str) -> None:
    """Another type, nobody there, no address."""
    with pytest.raises(StampRefused, match="text/html"):
        ask_by_http(served.replace("/tsr", "/"))(b"request")
    with pytest.raises(PostFailed):
        ask_by_http("http://127.0.0.1:1/")(b"request")
    for url in (
        "ftp://tsa.example/",
        "http://a b/",
        "http://user@tsa.example/",
        "https://",
        "http://h/\r\nX: y",
        "http://[x",
    ):
        with pytest.raises(AddressRefused):
            ask_by_http(url)


def test_roots_are_certificates_in_pem(tmp_path: Path) -> None:
    """Anything else pins nobody."""
    for text in ("", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        (tmp_path / "root.pem").write_text(text)
        with pytest.raises(RootsRefused):
            read_roots(tmp_path / "root.pem")
    with pytest.raises(RootsRefused):
        read_roots(tmp_path / "absent.pem")


def test_an_export_carries_the_stamps(authority: Authority, stamped: Any, programme: Any, tmp_path: Path) -> None:
    """What is checked at home is checked at the auditor's."""
    note, verifier, folder = stamped
    roots = read_roots(authority.root)
    _, answer = request_stamp(note, verifier, roots, authority.answer, clock=SystemClock())
    StampFolder(folder).add(note, answer, 5)
    (folder / "stamps" / "link").symlink_to("/etc/passwd")
    export_ledger(Folder(programme.data), tmp_path / "export", Trusted(charter=None, policy=None))
    exported = tmp_path / "export" / "ledger" / "decisions"
    assert len(check_stamps(Folder(exported), verifier, roots)) == 1
    assert len(list((exported / "stamps").iterdir())) == 2


def test_names_of_stamps_have_one_spelling() -> None:
    """What verification lets pass in `stamps/`."""
    assert is_stamp_file("stamps/5.0123456789abcdef.note")
    assert is_stamp_file("stamps/0.0123456789abcdef.0123456789abcdef.tsr")
    for other in ("stamps/05.0123456789abcdef.note", "stamps/5.note", "stamp/5.0123456789abcdef.note", "stamps/x", "5"):
        assert not is_stamp_file(other)
