"""What the engine knows about the world, as data: sources, sinks, flows, guards. No entry names a target.

The format is in docs/taint.md. `default_knowledge` is what ships; `parse_knowledge` reads the same files from
anybody's texts.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from sekisho.taint.knowledge.model import Knowledge
from sekisho.taint.knowledge.parse import parse_knowledge

__all__ = ["Knowledge", "default_knowledge", "extended_knowledge", "parse_knowledge"]


@cache
def default_knowledge() -> Knowledge:
    """Return the knowledge that ships with the package. Read once a process."""
    return parse_knowledge(_shipped())


def extended_knowledge(texts: Mapping[str, str]) -> Knowledge:
    """Return what ships together with `texts` (name to TOML), or raise KnowledgeRefused.

    A text under the name of a file that ships would take its place; callers give full paths.
    """
    return parse_knowledge({**_shipped(), **texts}) if texts else default_knowledge()


def _shipped() -> dict[str, str]:
    folder = files("sekisho.taint.knowledge") / "data"
    return {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
