"""The charter: the trust root. Parties, their keys, the rule for granting, the ledger's key, the labs' models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sekisho.core import Window
from sekisho.formats import jcs
from sekisho.formats.dsse import Envelope
from sekisho.trust.auditors import Auditors, auditors_payload, read_auditors
from sekisho.trust.errors import DocumentRefused, KeyRefused
from sekisho.trust.party import Party, Role, party_payload, read_party
from sekisho.trust.payload import (
    MODEL_NAME,
    read_integer,
    read_match,
    read_name,
    read_object,
    read_payload,
    read_set,
    read_window,
    window_payload,
)
from sekisho.trust.threshold import Rule, read_rule, rule_payload

KIND: Final = "charter"
# One party alone stops things this long at most; a longer stop is the quorum's to decide.
MAX_HOLD_TERM_S: Final = 90 * 24 * 3600
_FIELDS = frozenset({"programme", "version", "previous", "valid", "parties", "rules", "ledger", "labs", "hold_term_s"})
_OPTIONAL = frozenset({"auditors"})
# A DNS-like name: it begins the origins of the logs.
_PROGRAMME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,80}[a-z0-9])?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
# C2SP signed-note: name+keyid+base64. tlog/ reads the key itself; here it must only be this log's.
_VKEY_TAIL = re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{43,}={0,2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A log's origin line and its verifier key as C2SP signed-note text."""

    origin: str
    vkey: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabModels:
    """The models that a lab, by its party's name, brings into the programme."""

    party: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """A charter as read; whether its own parties signed it is `pin_charter`'s to say.

    `previous`: digest (64 hex digits) of the charter that this one follows, None for version 1. `auditors`: to whom the
    content of calls is sealed, None if no content is kept at all.
    """

    programme: str
    version: int
    previous: str | None
    valid: Window
    parties: tuple[Party, ...]
    grant_rule: Rule
    decisions: LogKey
    labs: tuple[LabModels, ...]
    hold_term: timedelta
    auditors: Auditors | None = None

    def models_of(self, lab: str) -> tuple[str, ...]:
        """Return the models of `lab`, none for a name that is no lab's."""
        return next((entry.models for entry in self.labs if entry.party == lab), ())


def read_charter(envelope: Envelope) -> Charter:
    """Return the charter in `envelope`, its signatures NOT verified: the caller MUST go on to do so.

    Steps: (1) exact fields; (2) parties, each with a key that can sign in the charter's time; (3) no key
    material twice; (4) labs; (5) the rule can be met, by as many parties as it says; (6) the log is this programme's;
    (7) the auditors, if it names any.
    Raises DocumentRefused, KeyRefused or RuleRefused.
    """
    # (1)
    fields = read_payload(envelope, KIND, _FIELDS, optional=_OPTIONAL)
    programme = read_match(fields["programme"], _PROGRAMME, "programme")
    version = read_integer(fields["version"], "version", least=1)
    valid = read_window(fields["valid"], "valid")
    # (2)
    parties = read_set(fields["parties"], read_party, "parties")
    _check_parties(parties, valid)
    # (3)
    _check_keys(parties)
    return Charter(
        programme=programme,
        version=version,
        previous=_read_previous(fields["previous"], version),
        valid=valid,
        parties=parties,
        # (4)
        labs=_read_labs(fields["labs"], parties),
        # (5)
        grant_rule=read_rule(read_object(fields["rules"], frozenset({"grant"}), "rules")["grant"], parties),
        # (6)
        decisions=_read_ledger(fields["ledger"], programme),
        hold_term=timedelta(seconds=read_integer(fields["hold_term_s"], "hold_term_s", least=1, most=MAX_HOLD_TERM_S)),
        # (7)
        auditors=read_auditors(fields["auditors"]) if "auditors" in fields else None,
    )


def charter_payload(charter: Charter) -> dict[str, jcs.Json]:
    """Return `charter` as `read_charter` reads it: what parties sign."""
    auditors = {} if charter.auditors is None else {"auditors": auditors_payload(charter.auditors)}
    return {
        "programme": charter.programme,
        "version": charter.version,
        "previous": charter.previous,
        "valid": window_payload(charter.valid),
        "parties": [party_payload(party) for party in charter.parties],
        "rules": {"grant": rule_payload(charter.grant_rule)},
        "ledger": {"decisions": {"origin": charter.decisions.origin, "vkey": charter.decisions.vkey}},
        "labs": [{"party": lab.party, "models": list(lab.models)} for lab in charter.labs],
        "hold_term_s": int(charter.hold_term.total_seconds()),
        **auditors,
    }


def _check_parties(parties: tuple[Party, ...], valid: Window) -> None:
    if len({party.name for party in parties}) != len(parties):
        raise DocumentRefused("two parties have one name")
    for party in parties:
        if not any(key.window.opens < valid.closes and valid.opens < key.window.closes for key in party.keys):
            raise KeyRefused(f"party {party.name} has no key that can sign while the charter is valid")


def _check_keys(parties: tuple[Party, ...]) -> None:
    """Compare key material, not ids: one key under two ids or in two parties would count twice."""
    owner: dict[bytes, str] = {}
    for party in parties:
        for key in party.keys:
            if key.raw in owner:
                raise KeyRefused(f"one key is listed twice: by {owner[key.raw]} and by {party.name}")
            owner[key.raw] = party.name


def _read_previous(value: jcs.Json, version: int) -> str | None:
    if (value is None) != (version == 1):
        raise DocumentRefused("previous is null in version 1, and the digest of the version before in all others")
    return None if value is None else read_match(value, _DIGEST, "previous")


def _read_labs(value: jcs.Json, parties: tuple[Party, ...]) -> tuple[LabModels, ...]:
    labs = read_set(value, _read_lab, "labs")
    named = [lab.party for lab in labs]
    if sorted(named) != sorted(party.name for party in parties if party.role is Role.LAB):
        raise DocumentRefused("labs: every party of role lab is listed once, and no other")
    models = [model for lab in labs for model in lab.models]
    # A caller names a model and no lab: the name alone must say whose it is.
    if len(set(models)) != len(models):
        raise DocumentRefused("labs: two labs list one model")
    return labs


def _read_lab(value: jcs.Json) -> LabModels:
    fields = read_object(value, frozenset({"party", "models"}), "lab")
    party = read_name(fields["party"], "lab.party")
    models = read_set(fields["models"], lambda item: read_match(item, MODEL_NAME, "model"), f"lab {party}: models")
    return LabModels(party=party, models=models)


def _read_ledger(value: jcs.Json, programme: str) -> LogKey:
    logs = read_object(value, frozenset({"decisions"}), "ledger")
    fields: Mapping[str, jcs.Json] = read_object(logs["decisions"], frozenset({"origin", "vkey"}), "ledger.decisions")
    origin, vkey = fields["origin"], fields["vkey"]
    if origin != f"{programme}/decisions":
        raise DocumentRefused("ledger: the decisions log's origin is the programme's name and /decisions")
    if not isinstance(vkey, str) or not vkey.startswith(origin) or not _VKEY_TAIL.fullmatch(vkey[len(origin) :]):
        raise DocumentRefused("ledger: the vkey is not this log's (C2SP signed-note: name+keyid+key)")
    return LogKey(origin=origin, vkey=vkey)
