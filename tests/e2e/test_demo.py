"""The demo is the programme's story on real parts: it is played once, and each act is looked at."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("xllamacpp", reason="the local model is absent: uv sync --group local-model")

ACTS = ["charter", "vetting", "access", "denials", "revocation", "hunt", "sharing", "proof"]
pytestmark = pytest.mark.timeout(300)


def play(data: Path, **environment: str) -> tuple[int, dict[str, Any]]:
    """Play the demo into `data`; return its exit code and its JSON."""
    argv = [sys.executable, "-m", "sekisho.cli.main", "demo", "--data", str(data), "--json"]
    done = subprocess.run(argv, capture_output=True, env={**os.environ, **environment}, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """The demo, played once for all tests here."""
    return play(tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture
def facts(played: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """What each act saw, by the act's name."""
    return {act["name"]: act["facts"] for act in played[1]["acts"]}


@pytest.fixture
def hunted(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a demo that could fetch what it hunts in."""
    if "skipped" in facts["hunt"]:
        pytest.skip(f"no network: {facts['hunt']['skipped']}")
    return facts


def test_the_json_has_every_act_in_order_with_its_fields(played):
    """`{"ok", "data_dir", "acts": [{"name", "ok", "seconds", "facts"}]}`, as programs were promised."""
    _, told = played
    assert set(told) == {"ok", "data_dir", "acts"}
    assert [act["name"] for act in told["acts"]] == ACTS
    assert all(set(act) == {"name", "ok", "seconds", "facts"} for act in told["acts"])


def test_every_act_proves_what_it_set_out_to(played, hunted):
    """With the network, every act is ok and the command ends with 0."""
    code, told = played
    assert {act["name"]: act["facts"] for act in told["acts"] if not act["ok"]} == {}
    assert told["ok"] is True
    assert code == 0


def test_four_ways_to_fail_the_quorum_were_refused_for_their_own_reason(facts):
    """Too few parties, one party twice, one key twice, an expired charter: none is taken."""
    assert facts["charter"]["refused"] == {
        "one key under two key ids": "SKS-TRUST-002",
        "an expired charter": "SKS-TRUST-004",
        "too few parties": "SKS-TRUST-006",
        "one party signing with two keys": "SKS-TRUST-006",
    }


def test_all_six_calls_of_the_official_clients_were_answered_by_the_model(facts):
    """Three APIs, streamed and not; the lab's credential is nowhere in what came back."""
    assert len(facts["access"]["characters_in_each_answer"]) == 6
    assert all(facts["access"]["characters_in_each_answer"].values())
    assert facts["access"]["lab_credential_seen_by_client"] is False


def test_each_denial_has_its_own_reason_and_strangers_get_one_answer(facts):
    """Six reasons are told, three more stay in the log behind one answer on the wire."""
    denials = facts["denials"]
    assert len(set(denials["reasons"].values())) == 6
    assert denials["not_authenticated"]["on_the_wire"] == ["401 SKS-GATE-201"]
    assert len(set(denials["not_authenticated"]["in_the_log"].values())) == 3


def test_the_finding_is_the_published_one_and_gone_in_the_fix(hunted):
    """CVE-2023-29159 is found in 0.26.1 and not in 0.27.0, and the SARIF file is there."""
    assert "StaticFiles.lookup_path" in hunted["hunt"]["found"]
    assert Path(hunted["hunt"]["sarif"]).is_file()


def test_the_notice_reached_the_affected_bank_alone(hunted):
    """One institution runs the affected version; the one with the fix gets nothing."""
    assert hunted["sharing"]["notified"] == ["regional-bank"]
    assert hunted["sharing"]["not_affected"] == 1
    assert Path(hunted["sharing"]["notice"]).is_file()


def test_every_flipped_byte_was_noticed(facts):
    """Entries, tiles and checkpoints of both logs: a flipped bit anywhere is named."""
    assert len(facts["proof"]["one_flipped_byte_noticed"]) == 6
    assert all(facts["proof"]["one_flipped_byte_noticed"].values())


def test_every_receipt_became_a_proof(facts):
    """What the answers' headers promised is in the published tree."""
    assert facts["proof"]["promises_kept"] == facts["access"]["receipts"] == 6


def test_without_network_the_hunt_is_skipped_and_the_demo_is_not_ok(tmp_path):
    """No copy and no network: the act says so, what rests on it too, and the command ends with 1."""
    code, told = play(tmp_path / "data", https_proxy="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    acts = {act["name"]: act for act in told["acts"]}
    assert "skipped" in acts["hunt"]["facts"]
    assert "skipped" in acts["sharing"]["facts"]
    assert acts["proof"]["ok"]
    assert told["ok"] is False
    assert code == 1
