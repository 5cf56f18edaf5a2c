"""C2SP tlog-policy: whose word makes a checkpoint good, read strictly and counted by key."""

import json
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sekisho.tlog.checkpoint import Checkpoint, CheckpointRefused, encode_checkpoint, sign_checkpoint
from sekisho.tlog.cosignature import CosignatureRefused, CosignatureSigner, CosignatureVerifier
from sekisho.tlog.merkle import hash_leaf
from sekisho.tlog.note import NoteRefused, NoteSigner, NoteVerifier, parse_note, sign_note
from sekisho.tlog.policy import (
    MAX_OF_A_KIND,
    MAX_POLICY_SIZE_BYTES,
    Cosigned,
    Group,
    Policy,
    PolicyRefused,
    PolicyUnmet,
    check_witnessed,
)

LOG = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OTHER_LOG = NoteSigner("sekisho.example/calls", Ed25519PrivateKey.from_private_bytes(b"c" * 32))
W1, W2, W3 = (
    CosignatureSigner(f"witness.example/{key:c}", Ed25519PrivateKey.from_private_bytes(bytes([key]) * 32))
    for key in b"abd"
)
PQ = CosignatureSigner("witness.example/pq", MLDSA44PrivateKey.from_seed_bytes(b"q" * 32))
HEAD = Checkpoint(origin=LOG.verifier.name, size=3, root=hash_leaf(b"root"))
NOTE = sign_checkpoint(HEAD, LOG)

KEYS = f"""# The logs and witnesses of this test.
log {LOG.verifier.vkey} https://log.example/
witness w1 {W1.verifier.vkey}
witness w2 {W2.verifier.vkey} https://w2.example/
witness w3 {W3.verifier.vkey}
witness pq {PQ.verifier.vkey}
"""
TWO_AND_PQ = KEYS + "group two 2 w1 w2 w3\ngroup all-of-it all two pq\nquorum all-of-it\n"
POLICY = Policy.parse(TWO_AND_PQ.encode())


def cosigned(*signers: CosignatureSigner, note: bytes = NOTE) -> bytes:
    text = parse_note(note).text
    return note + "".join(signer.sign(text, time_s=10 + at) for at, signer in enumerate(signers)).encode()


def test_a_policy_says_what_its_lines_say() -> None:
    """Logs, witnesses, groups and quorum, in the order of the file."""
    assert [(log.verifier, log.url) for log in POLICY.logs] == [(LOG.verifier, "https://log.example/")]
    assert [witness.name for witness in POLICY.witnesses] == ["w1", "w2", "w3", "pq"]
    assert POLICY.witnesses[1].url == "https://w2.example/"
    assert POLICY.groups == (
        Group(name="two", threshold=2, members=("w1", "w2", "w3")),
        Group(name="all-of-it", threshold=2, members=("two", "pq")),
    )
    assert POLICY.quorum == "all-of-it"


def test_a_checkpoint_with_a_quorum_is_returned_with_who_cosigned_and_when() -> None:
    """In the order of the policy, whatever the order of the lines."""
    note = cosigned(PQ, W3, W1)
    witnessed = check_witnessed(note, POLICY)
    assert (witnessed.checkpoint, witnessed.note) == (HEAD, note)
    assert witnessed.cosigned == (
        Cosigned(name="w1", time_s=12),
        Cosigned(name="w3", time_s=11),
        Cosigned(name="pq", time_s=10),
    )


def test_every_subset_of_witnesses_is_judged_as_the_rule_says() -> None:
    """Two of three, and the fourth: no other subset passes, and no refusal blames one who cosigned."""
    signers = {"w1": W1, "w2": W2, "w3": W3, "pq": PQ}
    for count in range(5):
        for names in combinations(signers, count):
            note = cosigned(*(signers[name] for name in names))
            if "pq" in names and count >= 3:
                assert {one.name for one in check_witnessed(note, POLICY).cosigned} == set(names)
                continue
            with pytest.raises(PolicyUnmet) as caught:
                check_witnessed(note, POLICY)
            assert not any(repr(name) in str(caught.value) for name in names)


def test_what_is_missing_is_named() -> None:
    """The message shows the unmet part of the rule only."""
    with pytest.raises(PolicyUnmet, match=r"lacks 1 of \(1 of \('w2', 'w3'\)\)"):
        check_witnessed(cosigned(W1, PQ), POLICY)
    with pytest.raises(PolicyUnmet, match=r"lacks 2 of \(2 of \('w1', 'w2', 'w3'\), 'pq'\)"):
        check_witnessed(NOTE, POLICY)


def test_many_lines_of_one_witness_are_one_witness() -> None:
    """A key counts once, however often it signs."""
    with pytest.raises(PolicyUnmet):
        check_witnessed(cosigned(W1, W1, W1, PQ), POLICY)


def test_a_false_cosignature_of_a_known_witness_refuses_the_note() -> None:
    """Also beyond the quorum: somebody is lying, and a reader should hear of it."""
    other = sign_checkpoint(replace(HEAD, size=4), LOG)
    false = cosigned(W3, note=other)[len(other) :]
    with pytest.raises(CosignatureRefused, match="false"):
        check_witnessed(cosigned(W1, W2, PQ) + false, POLICY)


def test_unknown_witnesses_do_not_count() -> None:
    """Lines of strangers are passed over."""
    stranger = CosignatureSigner("x", Ed25519PrivateKey.from_private_bytes(b"x" * 32))
    with pytest.raises(PolicyUnmet):
        check_witnessed(cosigned(stranger, W1, PQ), POLICY)


def test_a_checkpoint_of_an_unknown_log_is_unmet() -> None:
    """Witnesses' words do not stand in for the log's."""
    unsigned_by_log = NOTE.split(b"\n\n")[0] + b"\n\n" + cosigned(W1, W2, PQ)[len(NOTE) :]
    other = cosigned(W1, W2, PQ, note=sign_checkpoint(replace(HEAD, origin=OTHER_LOG.verifier.name), OTHER_LOG))
    for note in (unsigned_by_log, other):
        with pytest.raises(PolicyUnmet, match="no log"):
            check_witnessed(note, POLICY)


def test_a_log_does_not_sign_for_another_logs_origin() -> None:
    """Two logs are listed; a key of the one under the other's origin counts for nothing."""
    policy = Policy.parse(f"log {LOG.verifier.vkey}\nlog {OTHER_LOG.verifier.vkey}\nquorum none\n".encode())
    crossed = sign_note(encode_checkpoint(HEAD), OTHER_LOG)
    with pytest.raises(CheckpointRefused):
        check_witnessed(crossed, policy)
    assert check_witnessed(NOTE, policy).cosigned == ()


def test_a_log_known_from_elsewhere_stands_in_for_a_list_and_must_be_on_it() -> None:
    """A policy without logs takes the caller's; one with logs must list it; none at all takes nothing."""
    empty = replace(POLICY, logs=())
    note = cosigned(W1, W2, PQ)
    assert check_witnessed(note, empty, log=LOG.verifier) == check_witnessed(note, POLICY, log=LOG.verifier)
    for policy, log in ((empty, None), (empty, OTHER_LOG.verifier), (POLICY, OTHER_LOG.verifier)):
        with pytest.raises(PolicyUnmet):
            check_witnessed(note, policy, log=log)


def test_a_note_that_is_no_checkpoint_is_refused() -> None:
    """Nothing is counted on other text."""
    with pytest.raises(CheckpointRefused):
        check_witnessed(sign_note("text\n", LOG), POLICY)
    with pytest.raises(NoteRefused):
        check_witnessed(b"", POLICY)


def test_the_published_policies_have_the_verdict_of_the_specification(vectors: Path) -> None:
    """policy.json: all 27; keys of type 0x01 are no witnesses', so `tidy` is refused too."""
    cases = json.loads((vectors / "tlog" / "policy.json").read_bytes())["cases"]
    for case in cases:
        data = case["policy"].encode()
        if case["c2sp"] != "valid":
            with pytest.raises(PolicyRefused):
                Policy.parse(data)
            continue
        policy = Policy.parse(data)
        for evaluation in case.get("evaluations", []):
            names = evaluation["cosigned_by"]
            assert policy.is_quorum(names) is evaluation["accepted"], (case["name"], names)
            assert bool(policy.missing(names)) is not evaluation["accepted"]
    assert len(cases) == 27


def test_each_published_fault_is_refused_for_itself(vectors: Path) -> None:
    """Cases that have a second fault, keys of type 0x01 or no last newline, are refused without it as well."""
    cases = json.loads((vectors / "tlog" / "policy.json").read_bytes())["cases"]
    for case in cases:
        data = _with_cosigners_keys(case["policy"].rstrip("\n") + "\n").encode()
        if case["c2sp"] == "invalid" and "carriage" not in case["name"] and case["name"] != "witness named all":
            with pytest.raises(PolicyRefused):
                Policy.parse(data)
        elif case["name"] == "tidy":
            assert not Policy.parse(data).is_quorum(["w1"])
            assert Policy.parse(data).is_quorum(["w1", "w2"])


def _with_cosigners_keys(policy: str) -> str:
    """The policy with each key of type 0x01 of a witness line made one of type 0x04."""
    for word in set(policy.split()):
        with suppress(Exception):
            log_key = NoteVerifier.parse(word)
            made = CosignatureVerifier(name=log_key.name, type=4, public_key=log_key.public_key).vkey
            policy = policy.replace(f" {word} h", f" {made} h")
    return policy


X = f"witness X {W1.verifier.vkey}\n"


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "\n",
        "quorum none",
        "quorum\n",
        "quorum none none\n",
        "Quorum none\n",
        "quorum none\nquorum none\n",
        "quorum none # comment\n",
        "quorum none\x7f\n",
        "quorum none\x00\n",
        "quorum\u00a0none\n",
        f"log {LOG.verifier.vkey} #comment\nquorum none\n",
        f"log {LOG.verifier.vkey} ftp://log.example\nquorum none\n",
        f"log {LOG.verifier.vkey} https://a https://b\nquorum none\n",
        f"log {W1.verifier.vkey}\nquorum none\n",
        "log\nquorum none\n",
        f"witness X {LOG.verifier.vkey}\nquorum X\n",
        "witness X\nquorum none\n",
        f"witness none {W1.verifier.vkey}\nquorum none\n",
        X + X + "quorum X\n",
        X + f"witness X {W2.verifier.vkey}\nquorum X\n",
        X + "group X any X\nquorum X\n",
        X + "group g any g\nquorum g\n",
        X + "group g 1.0 X\nquorum g\n",
        X + "group g 01 X\nquorum g\n",
        X + "group g \uff11 X\nquorum g\n",
        X + f"group g {'9' * 5000} X\nquorum g\n",
        X + "group g any X\ngroup h any X\nquorum g\n",
        X + "group g any\nquorum X\n",
        "quorum none\n" + " " * MAX_POLICY_SIZE_BYTES + "\n",
    ],
)
def test_what_is_no_policy_is_refused(policy: str) -> None:
    """Every reading that the specification does not give is no reading."""
    with pytest.raises(PolicyRefused):
        Policy.parse(policy.encode())


def test_white_space_and_comment_lines_are_free() -> None:
    """Space and tab anywhere between items, empty lines, comment lines with any octets."""
    loose = b"\n\t \n # \xff\x80 note\n" + X.replace(" ", " \t ").encode() + b" quorum\tX \t\n\n#end\n"
    assert Policy.parse(loose) == Policy.parse(X.encode() + b"quorum X\n")


def test_names_are_octets() -> None:
    """No decoding and no normalising: bytes that are no UTF-8 make names too, and differ as bytes do."""
    policy = Policy.parse(
        X.replace("X", "é").encode()
        + f"witness e\u0301 {W2.verifier.vkey}\n".encode()
        + b"witness \xff "
        + f"{W3.verifier.vkey}\ngroup g 2 é e\u0301 ".encode()
        + b"\xff\nquorum g\n"
    )
    assert policy.is_quorum([policy.witnesses[0].name, policy.witnesses[2].name])
    assert policy.missing([]).isprintable()


def test_keywords_can_be_names_but_for_none() -> None:
    """The text keeps `none` alone for itself; some implementations refuse `all` and `any` as well."""
    assert Policy.parse(X.replace("X", "all").encode() + b"group any any all\nquorum any\n").is_quorum(["all"])


def test_the_specifications_least_limits_are_met() -> None:
    """32 logs, 32 witnesses and 32 groups, ML-DSA-44 among them; and no policy is without bound."""
    signers = [CosignatureSigner(f"w{n}", MLDSA44PrivateKey.from_seed_bytes(bytes([n]) * 32)) for n in range(32)]
    logs = [NoteSigner(f"l{n}", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in range(32)]
    lines = [f"log {log.verifier.vkey}" for log in logs]
    lines += [f"witness w{n} {signer.verifier.vkey}" for n, signer in enumerate(signers)]
    lines += ["group g0 any w0", *(f"group g{n} all g{n - 1} w{n}" for n in range(1, MAX_OF_A_KIND) if n < 32)]
    policy = Policy.parse("\n".join([*lines, "quorum g31", ""]).encode())
    assert policy.is_quorum([f"w{n}" for n in range(32)])
    assert not policy.is_quorum([f"w{n}" for n in range(31)])
    deep = X + "group g0 any X\n" + "".join(f"group g{n} any g{n - 1}\n" for n in range(1, MAX_OF_A_KIND))
    assert Policy.parse(f"{deep}quorum g{MAX_OF_A_KIND - 1}\n".encode()).missing([]).count("1 of") == MAX_OF_A_KIND
    with pytest.raises(PolicyRefused, match="more than"):
        Policy.parse(f"{deep}group h any g{MAX_OF_A_KIND - 1}\nquorum h\n".encode())


PARTS = [
    *(b"log", b"witness", b"group", b"quorum", b"none", b"any", b"all", b"1", b"2", b"X", b"Y", b"g"),
    *(b" ", b"\t", b"\n", b"#", b"\xff", LOG.verifier.vkey.encode(), W1.verifier.vkey.encode(), X.encode()),
]


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PARTS), max_size=40).map(b"".join)))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    """A stranger's bytes end in a policy that can be asked, or in PolicyRefused."""
    for hostile in (data, TWO_AND_PQ.encode()[: len(data)] + data, data + b"\nquorum none\n"):
        with suppress(PolicyRefused):
            policy = Policy.parse(hostile)
            everybody = [witness.name for witness in policy.witnesses]
            assert policy.is_quorum(everybody)
            assert policy.is_quorum([]) is (policy.quorum is None)
