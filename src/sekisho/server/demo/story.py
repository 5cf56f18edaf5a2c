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


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An act that was played. `facts`: what was seen, by name, for people and programs; `error`: why it failed."""

    name: str
    ok: bool
    seconds: float
    facts: Mapping[str, Any]
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        facts = dict(self.facts) if self.error is None else {**self.facts, "error": self.error}
        return {"name": self.name, "ok": self.ok, "seconds": self.seconds, "facts": facts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: its name, what it shows, and the function that plays it and returns the facts."""

    name: str
    shows: str
    play: Callable[[], Mapping[str, Any]]


def play_act(act: Act) -> Played:
    """Play `act`; a failure of any kind is told, not raised, so that the acts after it are still seen."""
    began = time.monotonic()
    try:
        facts = act.play()
    except SekishoError as error:
        return _failed(act, began, f"{error.code}: {error.message}")
    except Exception as error:  # a broken act is a failed act; the type is enough, a text could hold a secret
        return _failed(act, began, f"{type(error).__name__}")
    return Played(name=act.name, ok=True, seconds=_since(began), facts=facts)


def require(fact: object, otherwise: str) -> None:
    """Raise ActFailed with `otherwise` unless `fact` holds."""
    if not fact:
        raise ActFailed(otherwise)


def _failed(act: Act, began: float, error: str) -> Played:
    return Played(name=act.name, ok=False, seconds=_since(began), facts={}, error=error)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
