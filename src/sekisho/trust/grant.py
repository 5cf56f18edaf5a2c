"""The grant: an accord made specific for one institution."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sekisho.core import Window
from sekisho.core.ids import AccordId, AssetId, GrantId, InstitutionId, PrincipalId
from sekisho.formats import jcs
from sekisho.formats.dsse import Envelope
from sekisho.trust.accord import Accord
from sekisho.trust.charter import Charter
from sekisho.trust.errors import DocumentLapsed, OutsideAccord
from sekisho.trust.payload import (
    MODEL_NAME,
    read_id,
    read_integer,
    read_match,
    read_name,
    read_object,
    read_payload,
    read_set,
    read_window,
    window_payload,
)
from sekisho.trust.quorum import require_quorum

KIND: Final = "grant"
_FIELDS = frozenset(
    {
        "id",
        "accord",
        "institution",
        "principals",
        "lab",
        "models",
        "tier",
        "assets",
        "techniques",
        "budget",
        "window",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be used over the whole window: tokens in and out together, and calls."""

    tokens: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who may use which models, on which assets, for what, how much, until when."""

    id: GrantId
    accord_id: AccordId
    institution_id: InstitutionId
    principals: tuple[PrincipalId, ...]
    lab: str
    models: tuple[str, ...]
    tier: str
    assets: tuple[AssetId, ...]
    techniques: tuple[str, ...]
    budget: Budget
    window: Window


def open_grant(envelope: Envelope, charter: Charter, accord: Accord, *, at: datetime) -> Grant:
    """Return the grant in `envelope` if the quorum signed it and it lies within `accord`, opened before.

    Steps: (1) fields; (2) within the accord; (3) the quorum, the lab being the accord's; (4) not lapsed at `at`
    (aware UTC). Whether institution, principals and assets exist, and whether the institution is of a kind that
    the accord admits, is for `access/` to check.
    """
    # (1)
    grant = read_grant(envelope)
    # (2)
    check_within(grant, accord)
    # (3)
    require_quorum(envelope, charter, lab=accord.lab, at=at)
    # (4)
    if at >= grant.window.closes:
        raise DocumentLapsed(f"grant {grant.id} closed at {grant.window.closes.isoformat()}")
    return grant


def check_within(grant: Grant, accord: Accord) -> None:
    """Raise OutsideAccord unless `grant` gives nothing that `accord` does not."""
    offered = {(model.name, model.tier) for model in accord.models}
    outside = {
        "accord": grant.accord_id != accord.id,
        "lab": grant.lab != accord.lab,
        "models": not {(model, grant.tier) for model in grant.models} <= offered,
        "techniques": not set(grant.techniques) <= set(accord.techniques),
        "window": grant.window.opens < accord.valid.opens or grant.window.closes > accord.valid.closes,
    }
    wrong = [name for name, is_outside in outside.items() if is_outside]
    if wrong:
        raise OutsideAccord(f"grant {grant.id} is not within accord {accord.id}: {', '.join(wrong)}")


def read_grant(envelope: Envelope) -> Grant:
    """Return the grant in `envelope`, its signatures NOT verified. Raises DocumentRefused."""
    fields = read_payload(envelope, KIND, _FIELDS)
    return Grant(
        id=GrantId(read_id(fields["id"], ("grt",), "id")),
        accord_id=AccordId(read_id(fields["accord"], ("acc",), "accord")),
        institution_id=InstitutionId(read_id(fields["institution"], ("ins",), "institution")),
        principals=read_set(fields["principals"], _read_principal, "principals"),
        lab=read_name(fields["lab"], "lab"),
        models=read_set(fields["models"], lambda item: read_match(item, MODEL_NAME, "model"), "models"),
        tier=read_name(fields["tier"], "tier"),
        assets=read_set(fields["assets"], lambda item: AssetId(read_id(item, ("ast",), "asset")), "assets"),
        techniques=read_set(fields["techniques"], lambda item: read_name(item, "technique"), "techniques"),
        budget=_read_budget(fields["budget"]),
        window=read_window(fields["window"], "window"),
    )


def grant_payload(grant: Grant) -> dict[str, jcs.Json]:
    """Return `grant` as `read_grant` reads it: what parties sign."""
    return {
        "id": grant.id,
        "accord": grant.accord_id,
        "institution": grant.institution_id,
        "principals": list(grant.principals),
        "lab": grant.lab,
        "models": list(grant.models),
        "tier": grant.tier,
        "assets": list(grant.assets),
        "techniques": list(grant.techniques),
        "budget": {"tokens": grant.budget.tokens, "calls": grant.budget.calls},
        "window": window_payload(grant.window),
    }


def _read_principal(value: jcs.Json) -> PrincipalId:
    return PrincipalId(read_id(value, ("per", "wkl"), "principal"))


def _read_budget(value: jcs.Json) -> Budget:
    fields = read_object(value, frozenset({"tokens", "calls"}), "budget")
    return Budget(
        tokens=read_integer(fields["tokens"], "budget.tokens", least=1),
        calls=read_integer(fields["calls"], "budget.calls", least=1),
    )
