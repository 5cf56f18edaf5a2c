"""The acts in order, how one is played, and what is told of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sekisho.core import SekishoError


class ActFailed(SekishoError):
    """What an act set out to show did not happen."""

    code: ClassVar[str] = "SKS-SERVER-301"
    exit_code: ClassVar[int] = 1
    hint = "The data directory has the logs of the processes in run/serve.log."


class ActSkipped(SekishoError):
    """An act could not be played here, and proves nothing."""

    code: ClassVar[str] = "SKS-SERVER-303"
    exit_code: ClassVar[int] = 1
    hint = "Mend what the act names and play again; what was fetched before is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An act that was played. `facts`: what was seen, by name; of one that is not ok, `error` or `skipped` and why."""

    name: str
    ok: bool
    seconds: float
    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "ok": self.ok, "seconds": self.seconds, "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: its name, what it shows, the acts that it rests on, and the function that plays it."""

    name: str
    shows: str
    needs: tuple[str, ...]
    play: Callable[[], Mapping[str, Any]]


def play_act(act: Act, before: Mapping[str, Played]) -> Played:
    """Play `act` after `before`; a failure is told, not raised, so that the acts after it are still seen."""
    began = time.monotonic()
    wanting = [name for name in act.needs if not before[name].ok]
    try:
        if wanting:
            raise ActSkipped(f"it rests on {', '.join(wanting)}")
        facts = act.play()
    except ActSkipped as error:
        return _not_ok(act, began, {"skipped": error.message})
    except SekishoError as error:
        return _not_ok(act, began, {"error": f"{error.code}: {error.message}"})
    except Exception as error:  # a broken act is a failed act; the type is enough, a text could hold a secret
        return _not_ok(act, began, {"error": type(error).__name__})
    return Played(name=act.name, ok=True, seconds=_since(began), facts=facts)


def require(fact: object, otherwise: str) -> None:
    """Raise ActFailed with `otherwise` unless `fact` holds."""
    if not fact:
        raise ActFailed(otherwise)


def _not_ok(act: Act, began: float, facts: Mapping[str, str]) -> Played:
    return Played(name=act.name, ok=False, seconds=_since(began), facts=facts)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
