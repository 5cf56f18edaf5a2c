"""From the evidence to a result: pure, and the same for every clause."""

from sekisho.ledger.audit.controls import CONTROLS, LIMITS
from sekisho.ledger.audit.types import Clause, Evidence, Result, Ruling, Sheet


def rule_on(clause: Clause, sheet: Sheet) -> Ruling:
    """Return the ruling on `clause` by the entries on `sheet`."""
    shows, against, unsure = sheet.shows.close(), sheet.against.close(), sheet.open.close()
    controls = CONTROLS[clause.kind]
    return Ruling(
        clause=clause,
        controls=controls,
        shows=shows,
        against=against,
        open=unsure,
        limits=LIMITS[clause.kind],
        result=judge(shows, against, unsure, is_enforced=bool(controls)),
    )


def judge(shows: Evidence, against: Evidence, unsure: Evidence, *, is_enforced: bool) -> Result:
    """Return what the entries come to.

    Steps: (1) one entry against it, and it is not met; (2) nothing enforces it, or an entry leaves it open, or no
    entry shows it: not shown; (3) else it is met.
    """
    # (1)
    if against.count:
        return Result.NOT_MET
    # (2)
    if not is_enforced or unsure.count or not shows.count:
        return Result.NOT_SHOWN
    # (3)
    return Result.MET
