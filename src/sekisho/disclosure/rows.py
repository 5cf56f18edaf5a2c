"""Cases between their value and their row. What is told is kept as one JSON value: it is read whole or not at all."""

from collections.abc import Mapping
from typing import Any

from sekisho.core.ids import CaseId, FindingId, InstitutionId
from sekisho.disclosure.case import Case, Mitigation, MitigationKind, Text
from sekisho.disclosure.embargo import Embargo, EmbargoState
from sekisho.disclosure.tables import CaseRow
from sekisho.exposure import Affected
from sekisho.formats.jcs import Json


def row_of(case: Case, preimage: bytes) -> CaseRow:
    """Return the row that keeps `case` and the preimage of its commitment."""
    return CaseRow(
        id=case.id,
        finding_id=case.finding_id,
        owner=case.owner,
        told=told_of(case),
        embargo_state=case.embargo.state.value,
        lifts_at=case.embargo.lifts_at,
        opened_at=case.opened_at,
        commitment=case.commitment,
        preimage=preimage,
    )


def told_of(case: Case) -> dict[str, Json]:
    """Return what recipients may be told of `case`, as JSON."""
    return {
        "package": case.affected.package,
        "ranges": list(case.affected.ranges),
        "versions": list(case.affected.versions),
        "fixed_version": case.fixed_version,
        "mitigation_kind": case.mitigation.kind.value,
        "mitigation": {"en": case.mitigation.text.en, "ja": case.mitigation.text.ja},
        "basis": {"en": case.basis.en, "ja": case.basis.ja},
    }


def case_of(row: CaseRow) -> Case:
    """Return the case that `row` keeps."""
    told: Any = row.told
    return Case(
        id=CaseId(row.id),
        finding_id=FindingId(row.finding_id),
        owner=InstitutionId(row.owner),
        affected=Affected(package=told["package"], ranges=tuple(told["ranges"]), versions=tuple(told["versions"])),
        fixed_version=told["fixed_version"],
        mitigation=Mitigation(kind=MitigationKind(told["mitigation_kind"]), text=_text(told["mitigation"])),
        basis=_text(told["basis"]),
        embargo=Embargo(state=EmbargoState(row.embargo_state), lifts_at=row.lifts_at),
        opened_at=row.opened_at,
        commitment=row.commitment,
    )


def _text(told: Mapping[str, str]) -> Text:
    return Text(en=told["en"], ja=told["ja"])
