"""Act 1: five parties, a nested rule, and what does not meet it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.api.client import OfficeRefused
from sekisho.core import Window
from sekisho.core.ids import AccordId
from sekisho.formats import dsse
from sekisho.server.demo.stage import GOVERNMENTS, LABS, PROGRAMME, WORKING_GROUP, Stage, make_party_keys
from sekisho.server.demo.story import ActFailed, require
from sekisho.trust import (
    Accord,
    AllOf,
    AnyOf,
    AnyOfRole,
    Charter,
    LabModels,
    LabOfAccord,
    LogKey,
    Model,
    OneParty,
    Party,
    PartyKey,
    Role,
    accord_payload,
    charter_payload,
    raw_key,
)

HOLD_TERM = timedelta(days=7)


def play(stage: Stage) -> Mapping[str, Any]:
    """Show four ways to fail, then pin the charter and bring one accord for each lab into force."""
    make_party_keys(stage)
    second_key = Ed25519PrivateKey.generate()
    charter = _charter(stage, extra_key_of_openai=second_key)
    refused = {
        "one key under two key ids": _refused(stage, "/charter", _signed_charter(stage, _with_key_twice(charter))),
        "an expired charter": _refused(stage, "/charter", _signed_charter(stage, _expired(charter))),
    }
    signed = _signed_charter(stage, charter)
    stage.office.post("/charter", signed)
    accords = {lab: _accord(stage, lab) for lab in LABS}
    payload = accord_payload(accords["openai"])
    refused["too few parties"] = _refused(stage, "/accords", stage.signed("accord", payload, "openai", "japan"))
    refused["one party signing with two keys"] = _refused(
        stage, "/accords", _signed_twice_by_the_lab(stage, payload, second_key)
    )
    for lab, accord in accords.items():
        stage.office.post("/accords", stage.signed("accord", accord_payload(accord), *stage.quorum(lab)))
        stage.accords[lab] = accord.id
    return {
        "parties": [party.name for party in charter.parties],
        "rule": "the lab of the accord AND the home government AND one of {partner government, working group}",
        "refused": refused,
        "accords_in_force": dict(stage.accords),
        "charter_sha256": dsse.decode(signed).digest,
    }


def _charter(stage: Stage, *, extra_key_of_openai: Ed25519PrivateKey) -> Charter:
    year = stage.year
    roles = dict.fromkeys(LABS, Role.LAB) | {name: Role(role) for name, role in GOVERNMENTS.items()}
    parties = [
        Party(name=name, role=role, keys=(_listed(stage.party_keys[name], year),))
        for name, role in {**roles, WORKING_GROUP: Role.GROUP}.items()
    ]
    parties[0] = replace(parties[0], keys=(*parties[0].keys, _listed(extra_key_of_openai, year)))
    return Charter(
        programme=PROGRAMME,
        version=1,
        previous=None,
        valid=year,
        parties=tuple(parties),
        grant_rule=AllOf(
            rules=(
                LabOfAccord(),
                AnyOfRole(role=Role.HOME),
                AnyOf(rules=(AnyOfRole(role=Role.PARTNER), OneParty(name=WORKING_GROUP))),
            )
        ),
        decisions=LogKey(
            origin=f"{PROGRAMME}/decisions",
            vkey=(stage.places.ledger / "decisions" / "vkey").read_text().strip(),
        ),
        labs=tuple(LabModels(party=lab, models=(model,)) for lab, (_, model) in LABS.items()),
        hold_term=HOLD_TERM,
    )


def _listed(key: Ed25519PrivateKey, window: Window) -> PartyKey:
    return PartyKey(raw=raw_key(key.public_key()), window=window)


def _signed_charter(stage: Stage, charter: Charter) -> bytes:
    return stage.signed("charter", charter_payload(charter), *LABS, *GOVERNMENTS, WORKING_GROUP)


def _with_key_twice(charter: Charter) -> Charter:
    """Return `charter` with the working group's one key listed twice, as if it were two."""
    *others, group = charter.parties
    return replace(charter, parties=(*others, replace(group, keys=(group.keys[0], group.keys[0]))))


def _expired(charter: Charter) -> Charter:
    past = Window(opens=charter.valid.opens - timedelta(days=365), closes=charter.valid.opens)
    parties = tuple(
        replace(party, keys=tuple(replace(key, window=past) for key in party.keys)) for party in charter.parties
    )
    return replace(charter, valid=past, parties=parties)


def _accord(stage: Stage, lab: str) -> Accord:
    _, model = LABS[lab]
    return Accord(
        id=AccordId(stage.ids.new("acc")),
        programme=PROGRAMME,
        lab=lab,
        models=(Model(name=model, tier="defence"),),
        kinds=("bank", "joint-centre"),
        techniques=("find", "verify", "patch"),
        conditions=("Only code and systems that the institution owns.", "No exploit is made."),
        valid=stage.year,
    )


def _signed_twice_by_the_lab(stage: Stage, payload: Mapping[str, Any], second_key: Ed25519PrivateKey) -> bytes:
    """Return an accord signed by the home government and twice by one lab: three signatures, two parties."""
    envelope = dsse.decode(stage.signed("accord", payload, "openai", "japan"))
    return dsse.encode(dsse.sign(envelope, party="openai", key=second_key))


def _refused(stage: Stage, path: str, document: bytes) -> str:
    """Return the code with which `document` was refused, or raise ActFailed if it was taken."""
    try:
        stage.office.post(path, document)
    except OfficeRefused as error:
        require(error.code.startswith("SKS-TRUST-"), f"refused for another reason: {error.code}")
        return error.code
    raise ActFailed(f"{path} took a document that it must refuse")
