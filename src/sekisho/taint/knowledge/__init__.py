"""What the engine knows about the world, as data: sources, sinks, flows, guards. No entry names a target.

The format is in docs/taint.md. `default_knowledge` is what ships; `parse_knowledge` reads the same files from
anybody's texts.
"""

from functools import cache
from importlib.resources import files

from sekisho.taint.knowledge.model import Knowledge
from sekisho.taint.knowledge.parse import parse_knowledge

__all__ = ["Knowledge", "default_knowledge", "parse_knowledge"]


@cache
def default_knowledge() -> Knowledge:
    """Return the knowledge that ships with the package. Read once a process."""
    folder = files("sekisho.taint.knowledge") / "data"
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    return parse_knowledge(texts)
