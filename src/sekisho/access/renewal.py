"""Whether a hold stops something that its party does not stop already, under whatever name. Pure.

A lab, then its models, then its accord: as many names, and for who holds the grant one and the same stop.
"""

from collections.abc import Iterable

from sekisho.trust import Grant, Target, TargetKind


def is_renewal(target: Target, earlier: Iterable[Target], grants: Iterable[Grant]) -> bool:
    """Say whether a hold on `target` stops calls under `grants`, and only such as one of `earlier` stops too.

    A hold that stops nothing is no renewal. One that is wider than all of `earlier` together is none either: who held
    one person must be able to stop the bank when more comes to light.
    """
    touched = [grant for grant in grants if _stopped(target, grant) is not None]
    held = tuple(earlier)
    return bool(touched) and not any(_adds(target, held, grant) for grant in touched)


def _adds(target: Target, earlier: tuple[Target, ...], grant: Grant) -> bool:
    """Say whether some principal's use of some model under `grant` is stopped by `target` and by none of `earlier`."""
    principals, models = _stopped(target, grant) or (frozenset(), frozenset())
    for other in earlier:
        match other.kind, _stopped(other, grant):
            case _, None:
                continue
            case TargetKind.PRINCIPAL, _:
                principals -= {other.id}
            case TargetKind.MODEL, _:
                models -= {other.id}
            case _:
                return False
    return bool(principals and models)


def _stopped(target: Target, grant: Grant) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the principals and models of `grant` between whom `target` stops calls, None if it stops none."""
    principals, models = frozenset[str](grant.principals), frozenset(grant.models)
    match target.kind:
        case TargetKind.PRINCIPAL:
            principals &= {target.id}
        case TargetKind.MODEL:
            models &= {target.id}
        case TargetKind.LAB if target.id != grant.lab:
            return None
        case TargetKind.INSTITUTION if target.id != grant.institution_id:
            return None
        case TargetKind.GRANT if target.id != grant.id:
            return None
        case TargetKind.ACCORD if target.id != grant.accord_id:
            return None
    return (principals, models) if principals and models else None
