"""A control-plane database, and SBOMs to record in it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sekisho.db import Base, Database
from sekisho.exposure import services  # noqa: F401  registers the tables


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database with every table of this room and of those below."""
    made = Database.open(f"sqlite:///{tmp_path / 'control.db'}")
    Base.metadata.create_all(made.engine)
    yield made
    made.close()


@pytest.fixture
def bom() -> Callable[..., bytes]:
    """A maker of CycloneDX documents from package URLs."""

    def make(*purls: str, **more: object) -> bytes:
        components = [{"name": text.split("/")[-1].split("@")[0], "purl": text} for text in purls]
        return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components, **more}).encode()

    return make
