"""Signed documents in force: verified, stored and logged once, and never undone by another way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sekisho.access import (
    Denied,
    DocumentConflict,
    DocumentTooLarge,
    GrantRefused,
    GrantState,
    HoldRenewed,
    NotInForce,
    TargetKind,
    check_scope,
    decode_snapshot,
    encode_snapshot,
    resolve,
)
from sekisho.access.services import (
    bring_accord_into_force,
    get_accord,
    get_grant,
    issue_grant,
    list_accords,
    list_grants,
    list_holds,
    place_hold,
    refuse_document,
    revoke_grant,
)
from sekisho.core import Reason
from sekisho.formats import dsse
from sekisho.ledger import EntryKind
from sekisho.registry import AssetKind, InstitutionKind, NotEnrolled
from sekisho.registry import services as registry
from sekisho.trust import (
    DocumentRefused,
    HoldRefused,
    OutsideAccord,
    QuorumNotMet,
    accord_payload,
    grant_payload,
    hold_payload,
    read_grant,
)


def count(programme, kind) -> int:
    """How many entries of `kind` the ledger is owed."""
    return sum(entry.kind is kind for entry in programme.entries())


def judge(programme, at=None):
    """Ask for the first grant's call in the stored state; return the reason of the denial, or the grant's id."""
    snapshot, person, now = programme.snapshot(), programme.people[0], at or programme.clock.now()
    try:
        standing = resolve(snapshot, principal_id=person.id, jkt=person.key.thumbprint, model="red-1", at=now)
        return check_scope(snapshot, standing, asset_id=programme.assets[0], technique="find", at=now).id
    except Denied as denied:
        return denied.reason


def test_from_documents_to_a_call(programme) -> None:
    """Accord, grant, hold, its lapse, revocation: each changes what a call is told, and leaves one entry."""
    assert judge(programme) is Reason.NO_GRANT
    grant = programme.issue(programme.grant())
    assert judge(programme) == grant.id
    hold = programme.place(programme.hold(TargetKind.LAB, "lab-a"))
    assert judge(programme) is Reason.LAB_ON_HOLD
    programme.clock.advance(timedelta(days=1))
    assert judge(programme) == grant.id
    assert programme.snapshot().holds == ()
    programme.clock.advance(timedelta(seconds=1))
    assert programme.snapshot().holds == ()
    programme.revoke(programme.revocation(grant))
    assert judge(programme) is Reason.GRANT_REVOKED
    with programme.database.read() as session:
        assert list_accords(session) == (get_accord(session, grant.accord_id),) == (programme.accord,)
        assert list_grants(session) == (get_grant(session, grant.id),)
        assert (list_grants(session)[0].grant, list_grants(session)[0].state) == (grant, GrantState.REVOKED)
        assert list_holds(session) == (hold,)
    kinds = [entry.kind for entry in programme.entries()]
    for kind in (EntryKind.ACCORD_IN_FORCE, EntryKind.GRANT_ISSUED, EntryKind.HOLD_PLACED, EntryKind.GRANT_REVOKED):
        assert kinds.count(kind) == 1


def test_the_snapshot_of_stored_state_survives_its_wire(programme) -> None:
    """What the control plane sends is what the gate reads."""
    programme.issue(programme.grant())
    programme.place(programme.hold(TargetKind.PRINCIPAL, programme.people[1].id))
    snapshot = programme.snapshot()
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot
    assert len(snapshot.principals) == len(snapshot.assets) == 2


def test_entries_carry_who_signed_what(programme) -> None:
    """From the log alone: the digest, the parties, and the document itself."""
    grant = programme.issue(programme.grant())
    entry = next(e for e in programme.entries() if e.kind is EntryKind.GRANT_ISSUED)
    envelope = dsse.decode(str(entry.body["envelope"]).encode())
    assert entry.body["signers"] == ["home", "lab-a"]
    assert entry.body["grant_sha256"] == envelope.digest
    assert envelope.payload == dsse.seal("grant", grant_payload(grant)).payload


def test_a_grant_of_a_thousand_things_is_still_in_the_ledger_as_it_was_signed(programme) -> None:
    """An entry is at most 64 kB: what repeats the document is left out, never the document."""
    with programme.database.begin() as session:
        assets = tuple(
            registry.declare_asset(
                session,
                institution_id=programme.banks[0].id,
                kind=AssetKind.HOST,
                name=f"h{number}.bank.example",
                basis="Ours.",
                ids=programme.ids,
                at=programme.clock.now(),
            ).id
            for number in range(1000)
        )
    programme.issue(programme.grant(assets=assets))
    entry = next(e for e in programme.entries() if e.kind is EntryKind.GRANT_ISSUED)
    assert "assets" not in entry.body
    assert read_grant(dsse.decode(str(entry.body["envelope"]).encode())).assets == assets


@pytest.mark.parametrize("kind", ["accord", "grant", "revocation", "hold"])
def test_a_document_stuffed_with_a_strangers_signature_does_not_slip_past_the_ledger(programme, kind) -> None:
    """A signature of an unknown key counts for nothing; its length must not keep the document out of the entry."""
    grant = programme.grant()
    if kind in ("revocation", "hold"):
        programme.issue(grant)
    data, act = {
        "accord": lambda: (
            programme.sign("accord", accord_payload(replace(programme.accord, id="acc_other")), "lab-a", "home"),
            bring_accord_into_force,
        ),
        "grant": lambda: (programme.sign("grant", grant_payload(grant), "lab-a", "home"), issue_grant),
        "revocation": lambda: (programme.revocation(grant), revoke_grant),
        "hold": lambda: (
            programme.sign("hold", hold_payload(programme.hold(TargetKind.GRANT, grant.id)), "home"),
            place_hold,
        ),
    }[kind]()
    envelope = dsse.decode(data)
    junk = dsse.Signature(party="nobody", key_id="0" * 64, value=b"\x00" * 60_000)
    stuffed = dsse.encode(replace(envelope, signatures=(*envelope.signatures, junk)))
    with pytest.raises(DocumentTooLarge), programme.database.begin() as session:
        act(session, stuffed, programme.charter, ids=programme.ids, at=programme.clock.now())


def test_the_same_document_again_changes_nothing(programme) -> None:
    """An answer that was lost may be asked for again."""
    grant, hold = programme.grant(), programme.hold(TargetKind.MODEL, "red-1")
    for _ in range(2):
        assert programme.issue(grant) == grant
        assert programme.place(hold) == hold
    for _ in range(2):
        programme.revoke(programme.revocation(grant))
    accord = programme.sign("accord", accord_payload(programme.accord), "lab-a", "home")
    with programme.database.begin() as session:
        bring_accord_into_force(session, accord, programme.charter, ids=programme.ids, at=programme.clock.now())
    for kind in (EntryKind.ACCORD_IN_FORCE, EntryKind.GRANT_ISSUED, EntryKind.HOLD_PLACED, EntryKind.GRANT_REVOKED):
        assert count(programme, kind) == 1


def test_a_revoked_grant_never_comes_back(programme) -> None:
    """Submitting the grant's document again is no error and revives nothing."""
    grant = programme.issue(programme.grant())
    programme.revoke(programme.revocation(grant))
    programme.issue(grant)
    assert judge(programme) is Reason.GRANT_REVOKED


def test_another_document_under_a_known_id_is_refused(programme) -> None:
    """What is in force is never replaced."""
    grant = programme.issue(programme.grant())
    with pytest.raises(DocumentConflict):
        programme.issue(replace(grant, techniques=("find", "verify")))
    hold = programme.place(programme.hold(TargetKind.MODEL, "red-1"))
    with pytest.raises(DocumentConflict):
        programme.place(replace(hold, basis="Something else."))
    programme.revoke(programme.revocation(grant))
    with pytest.raises(DocumentConflict):
        programme.revoke(programme.revocation(grant, basis="Something else."))
    accord = accord_payload(replace(programme.accord, conditions=()))
    data = programme.sign("accord", accord, "lab-a", "home")
    with pytest.raises(DocumentConflict), programme.database.begin() as session:
        bring_accord_into_force(session, data, programme.charter, ids=programme.ids, at=programme.clock.now())


def test_too_few_parties_put_nothing_in_force(programme) -> None:
    """The quorum is of the lab whose model is named; what is refused leaves neither row nor entry."""
    before = programme.entries()
    for parties in (("lab-a",), ("home",), ("lab-b", "home")):
        with pytest.raises(QuorumNotMet):
            programme.issue(programme.grant(), *parties)
    with pytest.raises(HoldRefused):
        programme.place(programme.hold(TargetKind.LAB, "lab-a"), "lab-a")
    assert programme.entries() == before
    with programme.database.read() as session:
        assert list_grants(session) == list_holds(session) == ()


def test_the_same_document_with_too_few_signatures_is_refused_also_when_known(programme) -> None:
    """Knowing a document's text is no signature."""
    grant = programme.issue(programme.grant())
    with pytest.raises(QuorumNotMet):
        programme.issue(grant, "home")


def test_a_grant_gives_an_institution_its_own_alone(programme) -> None:
    """Principals and assets of another institution, or of none, are refused."""
    (_, other), (_, others_asset) = programme.people, programme.assets
    for changed, refused in (
        ({"principals": (other.id,)}, GrantRefused),
        ({"principals": (programme.people[0].id, other.id)}, GrantRefused),
        ({"assets": (others_asset,)}, GrantRefused),
        ({"principals": ("per_none",)}, NotEnrolled),
        ({"assets": ("ast_none",)}, NotEnrolled),
        ({"institution_id": "ins_none"}, NotEnrolled),
        ({"accord_id": "acc_none"}, NotInForce),
        ({"techniques": ("exploit",)}, OutsideAccord),
        ({"tier": "blue"}, OutsideAccord),
        ({"lab": "lab-b"}, OutsideAccord),
    ):
        with pytest.raises(refused):
            programme.issue(programme.grant(**changed))
    assert count(programme, EntryKind.GRANT_ISSUED) == 0


def test_an_accord_is_for_the_kinds_that_it_names(programme) -> None:
    """A fintech is not let in by an accord for banks."""
    with programme.database.begin() as session:
        fintech = registry.enrol_institution(
            session,
            lei="RB0PEZSDGCO3JS6CEU02",
            kind=InstitutionKind.FINTECH,
            name="A Fintech",
            name_ja=None,
            country="JP",
            ids=programme.ids,
            at=programme.clock.now(),
        )
    with pytest.raises(GrantRefused):
        programme.issue(programme.grant(institution_id=fintech.id))


def test_a_revocation_needs_the_accord_of_that_grant(programme) -> None:
    """Another lab's quorum, or a made-up accord, ends nothing."""
    grant = programme.issue(programme.grant())
    for data in (
        programme.revocation(grant, accord_id="acc_other"),
        programme.revocation(grant, lab="lab-b"),
    ):
        with pytest.raises(OutsideAccord):
            programme.revoke(data)
    with pytest.raises(NotInForce):
        programme.revoke(programme.revocation(replace(grant, id="grt_none")))
    assert judge(programme) == grant.id


@pytest.mark.parametrize(
    ("kind", "target_id", "refused"),
    [
        (TargetKind.INSTITUTION, "ins_none", NotEnrolled),
        (TargetKind.PRINCIPAL, "per_none", NotEnrolled),
        (TargetKind.GRANT, "grt_none", NotInForce),
        (TargetKind.ACCORD, "acc_none", NotInForce),
        (TargetKind.LAB, "lab-c", HoldRefused),
        (TargetKind.MODEL, "red-9", HoldRefused),
    ],
)
def test_a_hold_on_nothing_is_refused(programme, kind, target_id, refused) -> None:
    """It would look as if it stopped something."""
    with pytest.raises(refused):
        programme.place(programme.hold(kind, target_id))


def test_each_kind_of_hold_is_placed_and_bites(programme) -> None:
    """On institution, person, grant and accord, as on lab and model."""
    grant = programme.issue(programme.grant())
    for kind, target_id, reason in (
        (TargetKind.ACCORD, grant.accord_id, Reason.GRANT_ON_HOLD),
        (TargetKind.GRANT, grant.id, Reason.GRANT_ON_HOLD),
        (TargetKind.MODEL, "red-1", Reason.MODEL_ON_HOLD),
        (TargetKind.LAB, "lab-a", Reason.LAB_ON_HOLD),
        (TargetKind.INSTITUTION, grant.institution_id, Reason.INSTITUTION_SUSPENDED),
        (TargetKind.PRINCIPAL, grant.principals[0], Reason.PERSON_SUSPENDED),
    ):
        programme.place(programme.hold(kind, target_id))
        assert judge(programme) is reason


def test_one_party_cannot_stop_a_thing_without_end(programme) -> None:
    """Holds one after another are one stop: together at most a term, then free for as long. Another party may hold."""
    term = programme.charter.hold_term

    def hold(days: float, **changed):
        now = programme.clock.now()
        return programme.hold(TargetKind.LAB, "lab-a", lapses_at=now + timedelta(days=days), **changed)

    programme.place(hold(3))
    programme.clock.advance(timedelta(days=2))
    programme.place(hold(5))  # ends within the first one's term
    with pytest.raises(HoldRenewed):
        programme.place(hold(5.01))
    programme.clock.advance(timedelta(days=5))  # all have lapsed
    with pytest.raises(HoldRenewed):
        programme.place(hold(1))
    programme.place(hold(1, placed_by="lab-a"), "lab-a")
    programme.place(programme.hold(TargetKind.MODEL, "red-1"))
    programme.clock.advance(term - timedelta(microseconds=1))
    with pytest.raises(HoldRenewed):
        programme.place(hold(1))
    programme.clock.advance(timedelta(microseconds=1))
    programme.place(hold(7))


def test_a_refusal_is_logged_once_and_without_what_was_sent(programme) -> None:
    """By digest and code; the same document refused for the same reason again adds nothing."""
    grant = programme.grant()
    data = programme.sign("grant", grant_payload(grant), "home")
    error = QuorumNotMet("signed by home", signers=frozenset({"home"}), missing="lab-a")

    def refuse(sent: bytes) -> None:
        with programme.database.begin() as session:
            refuse_document(session, sent, error, kind="grant", ids=programme.ids, at=programme.clock.now())

    for sent in (data, data, b"not an envelope <script>"):
        refuse(sent)
    bodies = [entry.body for entry in programme.entries() if entry.kind is EntryKind.DOCUMENT_REFUSED]
    assert next(body["document_sha256"] for body in bodies) == dsse.decode(data).digest
    assert len(bodies) == 2
    assert {body["reason"] for body in bodies} == {"SKS-TRUST-006"}
    assert "script" not in repr(bodies)


def test_a_document_of_another_kind_is_refused(programme) -> None:
    """A hold is not a grant, whoever signed it."""
    hold = programme.hold(TargetKind.LAB, "lab-a")
    data = programme.sign("hold", hold_payload(hold), "home", "lab-a")
    with pytest.raises(DocumentRefused), programme.database.begin() as session:
        issue_grant(session, data, programme.charter, ids=programme.ids, at=programme.clock.now())


ROUNDS = {
    "lab and its models": ((TargetKind.LAB, "lab-a"), (TargetKind.MODEL, "red-1"), (TargetKind.LAB, "lab-a")),
    "models and their lab": ((TargetKind.MODEL, "red-1"), (TargetKind.LAB, "lab-a")),
    "institution and its people": ((TargetKind.INSTITUTION, 0), (TargetKind.PRINCIPAL, 0)),
    "accord and grant": ((TargetKind.ACCORD, None), (TargetKind.GRANT, None)),
    "grant and institution": ((TargetKind.GRANT, None), (TargetKind.INSTITUTION, 0)),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_one_party_does_not_go_on_stopping_the_same_calls_under_another_name(programme, name) -> None:
    """A lab, then its models, then the lab: with one grant these are one stop, and it ends within a term."""
    grant = programme.issue(programme.grant())
    names = {
        TargetKind.INSTITUTION: programme.banks[0].id,
        TargetKind.PRINCIPAL: programme.people[0].id,
        TargetKind.ACCORD: programme.accord.id,
        TargetKind.GRANT: grant.id,
    }
    term = programme.charter.hold_term
    (first, what), *others = ROUNDS[name]
    programme.place(
        programme.hold(first, names.get(first, what), lapses_at=programme.clock.now() + term),
    )
    programme.clock.advance(term)
    for kind, target in others:
        again = programme.hold(kind, names.get(kind, target), lapses_at=programme.clock.now() + term)
        with pytest.raises(HoldRenewed):
            programme.place(again)


def test_one_party_may_widen_what_it_stops(programme) -> None:
    """Who held one person and learns that the bank is broken into must be able to stop the bank, and the lab."""
    person, other = programme.people
    programme.issue(programme.grant())
    programme.issue(
        programme.grant(
            institution_id=programme.banks[1].id,
            principals=(other.id,),
            assets=(programme.assets[1],),
            techniques=("find",),
        )
    )
    term = programme.charter.hold_term
    for kind, target in ((TargetKind.PRINCIPAL, person.id), (TargetKind.LAB, "lab-a")):
        programme.place(programme.hold(kind, target, lapses_at=programme.clock.now() + term))
        programme.clock.advance(term)
