"""Play the acts in order and give back what each showed."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from sekisho.core import SekishoError
from sekisho.server.demo import access, charter, denials, hunt, proof, revocation, sharing, vetting
from sekisho.server.demo.stage import Stage
from sekisho.server.demo.story import Act, Played, play_act
from sekisho.server.places import DataDir

# What an earlier demo leaves in its folder; a folder with anything else in it is somebody's and stays.
_OURS = frozenset(
    {"charter.json", "control", "defenders", "gate-0", "hunted", "lab-stand-ins", "ledger", "notices", "parties"}
    | {"reports", "run", "cache"}
)
_SHOWS: Mapping[str, tuple[str, ModuleType]] = {
    "charter": ("five parties agree on who may grant; an accord comes into force", charter),
    "vetting": ("institutions by LEI, people and workloads by key, grants by the quorum", vetting),
    "access": ("the labs' own clients call a real model through the gate", access),
    "denials": ("eight ways not to get through, each with its reason", denials),
    "revocation": ("a grant is revoked while calls run; a lab is put on hold", revocation),
    "hunt": ("a bank hunts in its own code; a published flaw is found, and gone in the fix", hunt),
    "sharing": ("the finding protects who runs the component, under embargo", sharing),
    "proof": ("all of it is in the ledger, and one flipped byte shows", proof),
}
ACT_NAMES = tuple(_SHOWS)


class NotOurFolder(SekishoError):
    """The folder for the demo has something else in it."""

    code: ClassVar[str] = "SKS-SERVER-302"
    hint = "Choose a new or empty folder with --data, or add --fresh to a folder that an earlier demo made."


def play(
    data: Path, *, fresh: bool, on_begin: Callable[[Act], None], on_end: Callable[[Played], None]
) -> tuple[Played, ...]:
    """Play every act in `data` and return what each showed; `on_begin` and `on_end` tell of progress.

    An act that cannot begin because an earlier one failed fails too, and says so.
    """
    stage = Stage(places=DataDir(_prepare(data, fresh=fresh)), cache=data / "cache")
    played: list[Played] = []
    try:
        began = play_act(Act(name="start", shows="", play=partial(_start, stage)))
        for act in _acts(stage):
            on_begin(act)
            played.append(play_act(act) if began.ok else _unstarted(act, began))
            on_end(played[-1])
    finally:
        stage.close()
    return tuple(played)


def _acts(stage: Stage) -> tuple[Act, ...]:
    return tuple(Act(name=name, shows=shows, play=partial(room.play, stage)) for name, (shows, room) in _SHOWS.items())


def _start(stage: Stage) -> Mapping[str, Any]:
    stage.start()
    return {}


def _unstarted(act: Act, start: Played) -> Played:
    return Played(name=act.name, ok=False, seconds=0.0, facts={}, error=f"the programme did not start: {start.error}")


def _prepare(data: Path, *, fresh: bool) -> Path:
    """Return `data` as a new or empty folder; of an earlier demo's, only the fetched releases are kept."""
    if data.exists() and any(data.iterdir()):
        strangers = {path.name for path in data.iterdir()} - _OURS
        if strangers or not fresh:
            raise NotOurFolder(f"{data} is not empty")
        for path in data.iterdir():
            if path.is_dir() and path.name != "cache":
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()
    data.mkdir(parents=True, exist_ok=True)
    return data.resolve()
