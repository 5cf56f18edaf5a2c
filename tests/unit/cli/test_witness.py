"""`sekisho witness` and `sekisho ledger check-fork`: what an operator and a third party type."""

import json
import shutil
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.cli import witness
from sekisho.cli.ledger import app as ledger_app
from sekisho.cli.witness import ListenRefused
from sekisho.core import SteadyClock
from sekisho.ledger.witness.errors import EvidenceRefused, RecordMissing, WitnessKeyRefused
from sekisho.ledger.witness.evidence import Evidence, EvidenceFolder, encode_evidence
from sekisho.ledger.witness.keys import WitnessDir
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.cosignature import CosignatureVerifier
from sekisho.tlog.note import NoteSigner

SIGNER = NoteSigner("log.example/decisions", Ed25519PrivateKey.from_private_bytes(b"\x05" * 32))


def run(*arguments: object, app: object = witness.app) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def head(size: int, fill: int) -> bytes:
    return sign_checkpoint(Checkpoint(origin=SIGNER.verifier.name, size=size, root=bytes([fill]) * 32), SIGNER)


def evidence(first: bytes, second: bytes, clock: SteadyClock) -> Evidence:
    return Evidence(vkey=SIGNER.verifier.vkey, first=first, second=second, seen_at=clock.now())


@pytest.mark.parametrize("algorithm", ["ed25519", "ml-dsa-44"])
def test_keygen_prints_a_key_for_policies(tmp_path: Path, algorithm: str) -> None:
    """The line is a cosigner's key; the folder is its owner's alone; nothing is written over."""
    arguments = ("keygen", "--data", tmp_path / "w", "--name", "witness.example/w1", "--algorithm", algorithm)
    _, output = run(*arguments)
    assert CosignatureVerifier.parse(output.strip()).name == "witness.example/w1"
    assert stat.S_IMODE((tmp_path / "w").stat().st_mode) == 0o700
    with pytest.raises(WitnessKeyRefused):
        run(*arguments)


def test_status_shows_logs_and_ends_with_1_after_a_fork(tmp_path: Path, clock: SteadyClock) -> None:
    """For cron: 0 while all is well."""
    run("keygen", "--data", tmp_path, "--name", "witness.example/w1")
    run("add-log", "--data", tmp_path, SIGNER.verifier.vkey)
    code, output = run("status", "--data", tmp_path, "--json")
    said = json.loads(output)
    assert (code, [log["origin"] for log in said["logs"]], said["forks"]) == (0, [SIGNER.verifier.name], [])
    folder = EvidenceFolder(WitnessDir(tmp_path).evidence)
    folder.keep(evidence(head(3, 1), head(5, 2), clock))
    assert run("status", "--data", tmp_path)[0] == 0
    kept = folder.keep(evidence(head(3, 1), head(3, 2), clock))
    code, output = run("status", "--data", tmp_path, "--json")
    assert (code, json.loads(output)["forks"]) == (1, [str(kept)])


def test_a_witness_without_keys_record_or_address_does_not_serve(tmp_path: Path) -> None:
    """Each is said by its name."""
    with pytest.raises(WitnessKeyRefused):
        run("serve", "--data", tmp_path)
    for text in ("8450", ":8450", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x"):
        with pytest.raises(ListenRefused):
            run("serve", "--data", tmp_path, "--listen", text)
    run("keygen", "--data", tmp_path, "--name", "w")
    WitnessDir(tmp_path).record.unlink()
    with pytest.raises(RecordMissing):
        run("serve", "--data", tmp_path)
    with pytest.raises(RecordMissing):
        run("status", "--data", tmp_path)


def test_check_fork_says_what_is_proven_and_of_whose_key(tmp_path: Path, clock: SteadyClock) -> None:
    """A third party needs the file and, to know whose key it is, the charter."""
    proof = tmp_path / "x.fork.json"
    proof.write_bytes(encode_evidence(evidence(head(3, 1), head(3, 2), clock)))
    code, output = run("check-fork", proof, "--json", app=ledger_app)
    said = json.loads(output)
    assert (code, said["size"], said["trust"], said["vkey"]) == (0, 3, "self-consistent", SIGNER.verifier.vkey)


def test_check_fork_refuses_what_proves_nothing(tmp_path: Path, clock: SteadyClock) -> None:
    """Two sizes, one head twice, a false signature, another shape: exit 1, never "forked"."""
    flipped = bytearray(head(3, 2))
    flipped[-8] ^= 1
    whole = encode_evidence(evidence(head(3, 1), head(3, 2), clock))
    bad = [
        encode_evidence(evidence(head(3, 1), head(5, 2), clock)),
        encode_evidence(evidence(head(3, 1), head(3, 1), clock)),
        encode_evidence(evidence(head(3, 1), bytes(flipped), clock)),
        whole.replace(b"sekisho-log-fork/v1", b"sekisho-log-fork/v2"),
        whole.replace(b'"first"', b'"third"'),
        whole[:-1],
        b"[]",
        b"",
        whole + b" " * 2_000_000,
    ]
    for data in bad:
        (tmp_path / "evidence").write_bytes(data)
        with pytest.raises(EvidenceRefused) as refused:
            run("check-fork", tmp_path / "evidence", app=ledger_app)
        assert refused.value.exit_code == 1


def test_evidence_has_a_limit_for_each_kind(
    tmp_path: Path, clock: SteadyClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in wrong hands cannot fill the disk, and suspicion cannot crowd out proof."""
    monkeypatch.setattr("sekisho.ledger.witness.evidence.MAX_KEPT", 3)
    folder = EvidenceFolder(tmp_path / "evidence")
    kept = [folder.keep(evidence(head(3, 1), head(9, fill), clock)) for fill in range(10)]
    assert sum(path is not None for path in kept) == 3
    assert folder.keep(evidence(head(3, 1), head(3, 2), clock)) is not None
    assert folder.keep(evidence(head(3, 1), head(3, 2), clock)) is None
    shutil.rmtree(tmp_path / "evidence")
