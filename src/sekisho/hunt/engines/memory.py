"""What the data-flow engine keeps in the cache: the IR of a file, and all it said of a whole program.

The keys hold everything that the result depends on: the engine with its knowledge, digested as it is installed, the
caller's own rules, the mode, and the content of the sources. So an entry is right or is not found.
"""

import io
import json
import pickle
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache as once
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from sekisho.findings import Confidence, FlowStep, Gap, Location, Mode, NotAnalyzed, Severity
from sekisho.hunt.campaign import Claim, Look
from sekisho.hunt.engines.cache import Cache, digest_of
from sekisho.hunt.recon import Source
from sekisho.taint import ModuleIR, ir

_PARSERS = ("tree-sitter", "tree-sitter-python")
_IR_MODULE = ir.__name__


class Memory:
    """One engine's entries in `cache`. `rules`: the caller's own knowledge files."""

    def __init__(self, cache: Cache, *, rules: Mapping[str, str]) -> None:
        self._cache = cache
        own = [part.encode() for name, text in sorted(rules.items()) for part in (name, text)]
        self._engine = engine_digest().encode()
        self._rules = digest_of(*own).encode()

    def key_of(self, sources: Sequence[Source], mode: Mode) -> str:
        """Return the key of what there is to say of `sources`."""
        listed = [part for source in sources for part in (source.path.encode(), source.data)]
        return digest_of(self._engine, self._rules, mode.value.encode(), *listed)

    def look(self, key: str) -> Look | None:
        """Return what was said before under `key`."""
        data = self._cache.get("look", key)
        return _decoded(data) if data is not None else None

    def keep_look(self, key: str, look: Look) -> None:
        """Keep what was said, and make room."""
        self._cache.put("look", key, json.dumps(_encoded(look), separators=(",", ":")).encode())
        self._cache.trim()

    def module(self, source: Source) -> ModuleIR | None:
        """Return the IR of `source` if it was lowered before."""
        data = self._cache.get("ir", self._module_key(source))
        return _unpickled(data) if data is not None else None

    def keep_module(self, source: Source, module: ModuleIR) -> None:
        """Keep the IR of `source`."""
        self._cache.put("ir", self._module_key(source), pickle.dumps(module, protocol=5))

    def _module_key(self, source: Source) -> str:
        return digest_of(self._engine, source.path.encode(), source.data)


@once
def engine_digest() -> str:
    """Return a digest of the engine, its knowledge and its parsers, as installed."""
    parts = [f"{name} {metadata.version(name)}".encode() for name in _PARSERS]
    for path, entry in sorted(_files(files("sekisho.taint"), "")):
        parts.extend((path.encode(), entry.read_bytes()))
    return digest_of(*parts)


def _files(folder: Traversable, prefix: str) -> Iterable[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".py", ".toml")):
            yield f"{prefix}{entry.name}", entry


class _IRReader(pickle.Unpickler):
    """Makes the IR's own tuples and nothing else: no other class is found, so nothing else can be called."""

    def find_class(self, module: str, name: str) -> Any:
        found = getattr(ir, name, None) if module == _IR_MODULE else None
        if isinstance(found, type) and issubclass(found, tuple) and found.__module__ == _IR_MODULE:
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is not of the IR")


def _unpickled(data: bytes) -> ModuleIR | None:
    try:
        made = _IRReader(io.BytesIO(data)).load()
    except Exception:  # a damaged pickle raises anything; it is worked out again
        return None
    return made if isinstance(made, ModuleIR) else None


def _encoded(value: Any) -> Any:
    """Return `value`, a Look or a part of one, as JSON's types."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_encoded(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _encoded(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _decoded(data: bytes) -> Look | None:
    try:
        said = json.loads(data)
        return Look(
            claims=tuple(map(_claim, said["claims"])),
            unread=tuple(map(_gap, said["unread"])),
            partial=tuple(map(_gap, said["partial"])),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _claim(said: dict[str, Any]) -> Claim:
    return Claim(
        **{
            **said,
            "severity": Severity(said["severity"]),
            "confidence": Confidence(said["confidence"]),
            "location": Location(**said["location"]),
            "flow": tuple(FlowStep(**step) for step in said["flow"]),
            "guards": tuple(FlowStep(**step) for step in said["guards"]),
            "preconditions": tuple(said["preconditions"]),
        }
    )


def _gap(said: dict[str, Any]) -> NotAnalyzed:
    return NotAnalyzed(path=said["path"], gap=Gap(said["gap"]), detail=said["detail"])
