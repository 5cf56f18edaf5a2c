"""Play the acts in order and give back what each showed."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import ClassVar

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
_ACTS: Mapping[str, tuple[str, tuple[str, ...], ModuleType]] = {  # name → what it shows, what it rests on, its file
    "charter": ("five parties agree on who may grant; an accord comes into force", (), charter),
    "vetting": ("institutions by LEI, people and workloads by key, grants by the quorum", ("charter",), vetting),
    "access": ("the labs' own clients call a real model through the gate", ("vetting",), access),
    "denials": ("nine ways not to get through, each with its reason", ("vetting",), denials),
    "revocation": ("a grant is revoked while calls run; a lab is put on hold", ("vetting",), revocation),
    "hunt": ("a bank hunts in its own code; a published flaw is found, and gone in the fix", ("vetting",), hunt),
    "sharing": ("the finding protects who runs the component, under embargo", ("hunt",), sharing),
    "proof": ("all of it is in the ledger, and one flipped byte shows", ("charter",), proof),
}


class NotOurFolder(SekishoError):
    """The folder for the demo has something else in it."""

    code: ClassVar[str] = "SKS-SERVER-302"
    hint = "Choose a new or empty folder with --data, or add --fresh to a folder that an earlier demo made."


def play(
    data: Path, *, fresh: bool, on_begin: Callable[[Act], None], on_end: Callable[[Played], None]
) -> tuple[Played, ...]:
    """Play every act in `data` and return what each showed; `on_begin` and `on_end` tell of progress.

    Raises what keeps the programme from starting at all.
    """
    stage = Stage(places=DataDir(_prepare(data, fresh=fresh)), cache=data.resolve() / "cache")
    try:
        stage.start()
        for name, (shows, needs, file) in _ACTS.items():
            act = Act(name=name, shows=shows, needs=needs, play=partial(file.play, stage))
            on_begin(act)
            stage.played[name] = play_act(act, stage.played)
            on_end(stage.played[name])
    finally:
        stage.close()
    return tuple(stage.played.values())


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
