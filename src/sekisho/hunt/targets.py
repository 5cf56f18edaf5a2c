"""What can be named on a command line: a folder, a Python or Java file, a wheel."""

import tempfile
from pathlib import Path

from sekisho.hunt.archives import unpack_wheel
from sekisho.hunt.recon import Survey, survey

_WHEEL_SUFFIX = ".whl"


def survey_target(target: Path) -> Survey:
    """Return what there is to hunt in `target`; a wheel is unpacked for as long as it is read.

    Raises TargetRefused, NothingToHunt or ArchiveRefused.
    """
    if target.suffix != _WHEEL_SUFFIX or target.is_dir():
        return survey(target)
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch, "wheel")
        unpack_wheel(target, unpacked)
        return survey(unpacked, name=_release_of(target))


def _release_of(wheel: Path) -> str:
    # PEP 427: name-version(-build)?-python-abi-platform.whl
    return "-".join(wheel.stem.split("-")[:2])
