"""The accord: the terms that the quorum signs for one lab's models."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sekisho.core import Window
from sekisho.core.ids import AccordId
from sekisho.formats import jcs
from sekisho.formats.dsse import Envelope
from sekisho.trust.charter import Charter
from sekisho.trust.errors import DocumentLapsed, DocumentRefused
from sekisho.trust.payload import (
    MODEL_NAME,
    read_id,
    read_match,
    read_name,
    read_object,
    read_payload,
    read_set,
    read_text,
    read_window,
    window_payload,
)
from sekisho.trust.quorum import require_quorum

KIND: Final = "accord"
_FIELDS = frozenset({"id", "programme", "lab", "models", "kinds", "techniques", "conditions", "valid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model at a tier: what the lab's terms let it do. One model may be offered at several tiers."""

    name: str
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accord:
    """Terms in force. `kinds`: of institution; `conditions`: sentences for people, enforced by people."""

    id: AccordId
    programme: str
    lab: str
    models: tuple[Model, ...]
    kinds: tuple[str, ...]
    techniques: tuple[str, ...]
    conditions: tuple[str, ...]
    valid: Window


def open_accord(envelope: Envelope, charter: Charter, *, at: datetime) -> Accord:
    """Return the accord in `envelope` if `charter`'s quorum signed it and it has not lapsed at `at` (aware UTC).

    Steps: (1) fields; (2) it is of this programme, and its models are the lab's; (3) the quorum, the lab being the
    one that the accord names; (4) not lapsed. One that has yet to open is good: parties sign ahead of time.
    """
    # (1)
    accord = read_accord(envelope)
    # (2)
    if accord.programme != charter.programme:
        raise DocumentRefused(f"an accord of the programme {accord.programme}, not {charter.programme}")
    strangers = {model.name for model in accord.models} - set(charter.models_of(accord.lab))
    if strangers:
        raise DocumentRefused(f"the charter lists no model {sorted(strangers)[0]} of a lab {accord.lab}")
    # (3)
    require_quorum(envelope, charter, lab=accord.lab, at=at)
    # (4)
    if at >= accord.valid.closes:
        raise DocumentLapsed(f"accord {accord.id} closed at {accord.valid.closes.isoformat()}")
    return accord


def read_accord(envelope: Envelope) -> Accord:
    """Return the accord in `envelope`, its signatures NOT verified. Raises DocumentRefused."""
    fields = read_payload(envelope, KIND, _FIELDS)
    return Accord(
        id=AccordId(read_id(fields["id"], ("acc",), "id")),
        programme=_read_programme(fields["programme"]),
        lab=read_name(fields["lab"], "lab"),
        models=read_set(fields["models"], _read_model, "models"),
        kinds=read_set(fields["kinds"], lambda item: read_name(item, "kind"), "kinds"),
        techniques=read_set(fields["techniques"], lambda item: read_name(item, "technique"), "techniques"),
        conditions=read_set(fields["conditions"], lambda item: read_text(item, "condition"), "conditions", least=0),
        valid=read_window(fields["valid"], "valid"),
    )


def accord_payload(accord: Accord) -> dict[str, jcs.Json]:
    """Return `accord` as `read_accord` reads it: what parties sign."""
    return {
        "id": accord.id,
        "programme": accord.programme,
        "lab": accord.lab,
        "models": [{"name": model.name, "tier": model.tier} for model in accord.models],
        "kinds": list(accord.kinds),
        "techniques": list(accord.techniques),
        "conditions": list(accord.conditions),
        "valid": window_payload(accord.valid),
    }


def _read_programme(value: jcs.Json) -> str:
    # Compared with the charter's, which is checked for form.
    return read_text(value, "programme")


def _read_model(value: jcs.Json) -> Model:
    fields = read_object(value, frozenset({"name", "tier"}), "model")
    return Model(name=read_match(fields["name"], MODEL_NAME, "model.name"), tier=read_name(fields["tier"], "tier"))
