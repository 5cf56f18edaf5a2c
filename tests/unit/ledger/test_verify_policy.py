"""A policy says which cosignatures the checkpoint of decisions needs, and which logs are known."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.ledger import Fault, Report, Trust, verify_ledger
from sekisho.tlog.cosignature import CosignatureSigner
from sekisho.tlog.note import parse_note
from sekisho.tlog.policy import Policy

WITNESSES = {
    name: CosignatureSigner(f"{name}.example/w", Ed25519PrivateKey.from_private_bytes(name.encode() * 32))
    for name in ("a", "b")
}


def cosign(programme: Any, *names: str, log: str = "decisions") -> None:
    """Put the cosignatures of these witnesses under the log's checkpoint."""
    file = programme.ledger / log / "checkpoint"
    note = file.read_bytes()
    for name in names:
        note += WITNESSES[name].sign(parse_note(note).text, time_s=1_700_000_000).encode()
    file.write_bytes(note)


def policy(*logs: str) -> Policy:
    """Return a policy that lists `logs` by their keys and asks for both witnesses."""
    lines = [f"log {log}" for log in logs]
    lines += [f"witness {name} {signer.verifier.vkey}" for name, signer in WITNESSES.items()]
    return Policy.parse("".join(f"{line}\n" for line in (*lines, "group both all a b", "quorum both")).encode())


def check(programme: Any, asked: Policy, *, pinned: bool = True) -> Report:
    return verify_ledger(programme.data, vkey=programme.vkey("decisions") if pinned else None, policy=asked)


def test_a_quorum_of_cosignatures_is_needed_and_told(story: Any) -> None:
    """Too few are a fault at the checkpoint; enough are listed with their times."""
    cosign(story, "a")
    (problem,) = check(story, policy()).problems
    assert (problem.fault, problem.where) == (Fault.POLICY_UNMET, "decisions/checkpoint")
    cosign(story, "b")
    report = check(story, policy())
    assert report.is_verified
    assert report.logs[0].cosigned == (("a", 1_700_000_000), ("b", 1_700_000_000))


def test_a_false_cosignature_is_a_fault(story: Any) -> None:
    """One of a known witness that does not verify is worse than none."""
    cosign(story, "a", "b")
    file = story.ledger / "decisions" / "checkpoint"
    lines = file.read_bytes().split(b"\n")
    lines[-2], lines[-3] = lines[-2][:-6] + b"AAAA==", lines[-3]
    file.write_bytes(b"\n".join(lines))
    assert {problem.fault for problem in check(story, policy()).problems} == {Fault.POLICY_UNMET}


def test_a_policy_that_lists_the_log_pins_its_key(story: Any) -> None:
    """Without a charter the listed key is trusted; a key that is not listed is a fault."""
    cosign(story, "a", "b")
    report = check(story, policy(story.vkey("decisions")), pinned=False)
    assert (report.is_verified, report.trust) == (True, Trust.LISTED)
    assert check(story, policy(), pinned=False).trust is Trust.SELF_CONSISTENT
    other = check(story, policy(story.vkey("calls/gate-0")), pinned=False)
    assert other.trust is Trust.SELF_CONSISTENT
    assert Fault.POLICY_UNMET in {problem.fault for problem in other.problems}


def test_charter_and_policy_must_name_the_same_key(story: Any) -> None:
    """A policy that lists logs and not the charter's does not pass, whatever was cosigned."""
    cosign(story, "a", "b")
    assert check(story, policy(story.vkey("decisions"))).is_verified
    (problem, *_) = check(story, policy(story.vkey("other"))).problems
    assert problem.fault is Fault.POLICY_UNMET
    assert "does not list" in problem.message


def test_a_calls_log_needs_cosignatures_only_if_the_policy_lists_it(story: Any) -> None:
    """One checkpoint of decisions covers the calls logs that it records."""
    cosign(story, "a", "b")
    listed = policy(story.vkey("decisions"), story.vkey("calls/gate-0"))
    (problem,) = check(story, listed).problems
    assert (problem.fault, problem.where) == (Fault.POLICY_UNMET, "calls/gate-0/checkpoint")
    cosign(story, "a", "b", log="calls/gate-0")
    assert check(story, listed).is_verified


@pytest.mark.parametrize("logs", [("decisions",), ()])
def test_only_the_logs_that_were_asked_for_are_looked_at(story: Any, logs: tuple[str, ...]) -> None:
    """Decisions alone verify alone; without names all is looked at."""
    (story.ledger / "calls" / "gate-0" / "checkpoint").write_bytes(b"damaged")
    report = verify_ledger(story.data, vkey=None, logs=logs or None)
    assert report.is_verified is bool(logs)
    unknown = verify_ledger(story.data, vkey=None, logs=("calls/gate-7",))
    assert {problem.fault for problem in unknown.problems} == {Fault.LOG_MISSING}
