"""The witness over real HTTP (src/sekisho/ledger/witness/web_service.py), as a process of its own."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sekisho.ledger.witness.evidence import EvidenceFolder
from sekisho.ledger.witness.keys import WitnessDir, read_signers
from sekisho.tlog.note import parse_note
from sekisho.tlog.witness import add_cosignatures

from .conftest import Tree, WitnessProcess

KILLS = 30


def post(witness: WitnessProcess, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=10)
    try:
        connection.request("POST", path, body=body)
        response = connection.getresponse()
        return response.status, response.getheader("content-type"), response.read()
    finally:
        connection.close()


def test_the_published_requests_over_http_from_empty_and_after_a_kill(
    serve: Callable[..., WitnessProcess], vectors: Path
) -> None:
    """Status, type and body to the letter; after SIGKILL the witness stands where it stood."""
    played = json.loads((vectors / "tlog" / "witness-add-checkpoint.json").read_text())
    witness = serve("w1", played["log_vkey"])
    for step in played["steps"]:
        status, kind, body = post(witness, step["request"].encode())
        assert status == step["status"], step["name"]
        if "response_body" in step:
            assert (kind, body) == (step["response_content_type"], step["response_body"].encode())
    witness.kill()
    witness.start()
    last = {step["name"]: step for step in played["steps"]}["old size 0 doesn't match current"]
    assert post(witness, last["request"].encode()) == (409, "text/x.tlog.size", b"5\n")
    grown = {step["name"]: step for step in played["steps"]}["grow to size 5"]
    assert post(witness, grown["request"].encode())[0] == 409


def test_it_says_who_it_is_and_serves_nothing_else(serve: Callable[..., WitnessProcess], tree: Tree) -> None:
    """GET / is the key for policies; other paths and methods are refused."""
    witness = serve("w1", tree.vkey)
    connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=10)
    connection.request("GET", "/")
    (signer,) = read_signers(WitnessDir(witness.data))
    assert connection.getresponse().read().decode() == f"{signer.verifier.vkey}\n"
    connection.request("GET", "/add-checkpoint")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 405
    connection.close()
    assert post(witness, b"", path="/")[0] == 405
    assert post(witness, b"", path="/metrics")[0] == 404


def test_a_large_or_endless_body_is_cut_off_before_it_is_read(serve: Callable[..., WitnessProcess], tree: Tree) -> None:
    """By its claimed length, and by what comes if it claims none."""
    witness = serve("w1", tree.vkey)
    with socket.create_connection(("127.0.0.1", witness.port), timeout=10) as raw:
        raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000000000000\r\n\r\n")
        assert raw.recv(12) == b"HTTP/1.1 413"
    with socket.create_connection(("127.0.0.1", witness.port), timeout=10) as raw:
        raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        raw.sendall(chunk * 20)
        assert raw.recv(12) == b"HTTP/1.1 413"
    assert post(witness, tree.request(0, 1))[0] == 200


def test_a_slow_sender_holds_nobody_up(serve: Callable[..., WitnessProcess], tree: Tree) -> None:
    """Half-sent requests wait for their end alone."""
    witness = serve("w1", tree.vkey)
    slow = [socket.create_connection(("127.0.0.1", witness.port), timeout=10) for _ in range(50)]
    try:
        for raw in slow:
            raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 100\r\n\r\nold")
        assert post(witness, tree.request(0, 1))[0] == 200
    finally:
        for raw in slow:
            raw.close()


def test_a_fork_raises_the_alarm_on_stderr(serve: Callable[..., WitnessProcess], tree: Tree) -> None:
    """One line that names the log and the file."""
    witness = serve("w1", tree.vkey)
    post(witness, tree.request(0, 3))
    assert post(witness, Tree(branch="forked").request(3, 3))[0] == 409
    said = witness.stop()
    (kept,) = EvidenceFolder(WitnessDir(witness.data).evidence).forks()
    assert "\nALARM: the log 'log.example/decisions' signed two trees of one size" in said
    assert str(kept) in said


def test_killed_at_any_moment_it_never_cosigns_two_histories(serve: Callable[..., WitnessProcess], tree: Tree) -> None:
    """A cosignature that left is on record after SIGKILL: of a log that forks, one branch gets cosignatures."""
    witness = serve("w1", tree.vkey)
    verifiers = [signer.verifier for signer in read_signers(WitnessDir(witness.data))]
    branches = (tree, Tree(branch="forked"))
    cosigned: set[tuple[int, bytes]] = set()

    def play(branch: Tree) -> None:
        """Grow this branch until the witness is gone."""
        size = max((size for size, _ in cosigned), default=0)
        while True:
            size += 1
            try:
                status, _, body = post(witness, branch.request(size - 1, size))
            except (OSError, http.client.HTTPException):
                return
            if status == 200:
                joined = add_cosignatures(branch.note(size), body, verifiers)
                assert len(parse_note(joined).signatures) == 2
                cosigned.add((size, branch.head(size).root))
            elif status == 409 and body.strip().isdigit():
                size = int(body)

    for kill in range(KILLS):
        with ThreadPoolExecutor(2) as players:
            playing = [players.submit(play, branch) for branch in branches]
            # A sweep over the first requests, from before the first byte on.
            time.sleep(0.15 * kill / KILLS)
            witness.kill()
        for player in playing:
            player.result()
        witness.start()
    assert len(cosigned) >= KILLS
    assert sum(all(root == branch.head(size).root for size, root in cosigned) for branch in branches) == 1
