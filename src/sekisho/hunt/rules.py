"""The knowledge files that a user adds to what ships with the data-flow engine."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sekisho.findings import clean_text
from sekisho.hunt.errors import RulesUnreadable

# What ships has 0.1 MB in all.
MAX_RULES_BYTES = 1_048_576


def read_rules(paths: Sequence[Path]) -> Mapping[str, str]:
    """Return the files' texts by their full path, so that none hides another or one that ships.

    Raises RulesUnreadable. What the texts say is checked by the engine that is given them.
    """
    return {str(path.resolve()): _read(path) for path in paths}


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RULES_BYTES + 1)
        if len(data) > MAX_RULES_BYTES:
            raise RulesUnreadable(f"{clean_text(str(path))} has more than {MAX_RULES_BYTES} bytes")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesUnreadable(f"cannot read {clean_text(str(path))}: {type(error).__name__}") from error
