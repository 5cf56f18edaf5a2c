"""The office's routes on good days: what an act answers, what lists show, what is on record of a refusal."""

from datetime import timedelta
from typing import Any

import pytest

from sekisho.ledger import EntryKind
from sekisho.trust import Target, TargetKind


def test_a_programme_from_charter_to_hold(served: Any) -> None:
    """Each answer says where the ledger has it; each list then has it."""
    bank = served.begin()
    grant = served.post("/grants", served.world.grant(bank)).json()
    entry = served.world.entries()[grant["ledger"]["indexes"][0]]
    assert (entry.kind, entry.body["grant"]) == (EntryKind.GRANT_ISSUED, grant["id"])
    assert [item["state"] for item in served.get("/grants").json()] == ["active"]
    held = served.post("/holds", served.world.hold(target=Target(kind=TargetKind.LAB, id="lab-a"))).json()
    assert held["stops"]["grants"] == [grant["id"]]
    ended = served.post("/revocations", served.world.revocation(grant["id"]))
    assert ended.status_code == 200
    assert [item["state"] for item in served.get("/grants").json()] == ["revoked"]
    for path in ("/charter", "/accords", "/holds", "/institutions", "/principals", "/assets"):
        assert served.get(path).json(), path


def test_a_document_sent_again_changes_nothing(served: Any) -> None:
    """The same answer, no new entry."""
    bank = served.begin()
    for path, document in (
        ("/accords", served.world.accord()),
        ("/grants", served.world.grant(bank)),
        ("/holds", served.world.hold()),
    ):
        served.post(path, document)
        before = len(served.world.entries())
        again = served.post(path, document)
        assert (again.status_code, again.json()["ledger"]["indexes"]) == (200, [])
        assert len(served.world.entries()) == before


@pytest.mark.parametrize("signers", [("home",), ("lab-a",), ("lab-b", "home"), ("lab-a", "lab-b")])
def test_a_refused_document_leaves_its_refusal_and_nothing_else(served: Any, signers: tuple[str, ...]) -> None:
    """By digest and code; the snapshot is what it was; sent again, it is one refusal."""
    bank = served.begin()
    snapshot, before = served.world.office.snapshot, served.world.entries()
    document = served.world.grant(bank, *signers)
    for _ in range(2):
        answer = served.post("/grants", document)
        assert answer.status_code == 422
        code = answer.json()["code"]
        assert code.startswith("SKS-TRUST-")
    (new,) = served.world.entries()[len(before) :]
    assert (new.kind, new.body["reason"], new.body["document_kind"]) == (EntryKind.DOCUMENT_REFUSED, code, "grant")
    assert served.world.office.snapshot == snapshot
    assert served.get("/grants").json() == []


@pytest.mark.parametrize("document", [b"", b"{}", b"\xff", b'{"payload": "e30="}', b"x" * 2_000_000])
def test_what_is_no_document_is_refused_on_record(served: Any, document: bytes) -> None:
    """Whatever it is, and as whatever it was sent: by digest and code, so that the same again is no news."""
    served.begin()
    before = served.world.counted(EntryKind.DOCUMENT_REFUSED)
    for path in ("/charter", "/accords", "/grants", "/revocations", "/holds"):
        assert served.post(path, document).status_code == 422
    assert served.world.counted(EntryKind.DOCUMENT_REFUSED) == before + 1


def test_nothing_is_granted_before_a_charter(served: Any) -> None:
    """The answer says what to do first."""
    for path in ("/accords", "/grants", "/revocations", "/holds"):
        answer = served.post(path, b"{}")
        assert (answer.status_code, answer.json()["code"]) == (422, "SKS-SERVER-101")
    assert served.get("/charter").json()["code"] == "SKS-SERVER-101"


def test_a_hold_that_lapses_while_it_is_placed_stops_nothing_and_is_no_error(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the act and its snapshot time goes on."""
    served.begin()
    hold = served.world.hold()
    real = served.world.office._build

    def later() -> Any:
        served.world.clock.advance(timedelta(hours=2))
        return real()

    monkeypatch.setattr(served.world.office, "_build", later)
    answer = served.post("/holds", hold)
    assert answer.status_code == 200, answer.text
    assert answer.json()["stops"] is None
