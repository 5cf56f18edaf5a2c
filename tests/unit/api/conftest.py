"""The application over a real office in one folder, and its client."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from sekisho.api.app import make_app
from sekisho.api.interfaces import Issuer, Sharing
from sekisho.disclosure import Text
from sekisho.disclosure.notice import Issuer as NoticeIssuer
from sekisho.disclosure.publisher import DirectoryPublisher
from sekisho.server.places import DataDir
from sekisho.server.setup import read_credential, read_key

PROGRAMME = Text(en="Programme office", ja="プログラム事務局")


def load_rig() -> ModuleType:
    """Return the server's rig, one module for all who ask."""
    name = "server_rig"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "server" / "rig.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


rig = load_rig()


@dataclass
class Served:
    """An application that is up. `http` carries the office's credential, `stranger` none."""

    world: Any
    http: TestClient
    stranger: TestClient
    credential: str

    def post(self, path: str, body: Any) -> Any:
        """POST `body` (bytes or JSON) to /api/v1."""
        if isinstance(body, bytes):
            return self.http.post(f"/api/v1{path}", content=body)
        return self.http.post(f"/api/v1{path}", json=body)

    def get(self, path: str) -> Any:
        return self.http.get(f"/api/v1{path}")

    def begin(self) -> Any:
        """Pin the charter, bring the accord into force, enrol a bank; return the bank."""
        assert self.post("/charter", self.world.charter()).status_code == 200
        assert self.post("/accords", self.world.accord()).status_code == 200
        return self.world.enrol()


def serve_world(world: Any) -> Served:
    """Return the application over the open `world`. Its bugs reach the client as 500, as they do in service."""
    places = world.places
    issuer = NoticeIssuer(name=PROGRAMME, namespace="https://sekisho.example/", contact=PROGRAMME)
    credential = read_credential(places.office_token)
    app = make_app(
        world.office,
        Issuer(issuer=rig.ISSUER, key=read_key(places.token_key), audience=lambda: rig.GATE_ORIGIN),
        Sharing(issuer=issuer, publisher=DirectoryPublisher(places.notices)),
        office_credential=credential,
    )
    client = TestClient(app, raise_server_exceptions=False, headers={"authorization": f"Bearer {credential}"})
    return Served(
        world=world,
        http=client,
        stranger=TestClient(app, raise_server_exceptions=False),
        credential=credential,
    )


@pytest.fixture
def world(tmp_path: Path) -> Any:
    """A prepared data directory; nothing is open."""
    return rig.World(DataDir(tmp_path / "d"))


@pytest.fixture
def served(world: Any) -> Iterator[Served]:
    """An application over a started office."""
    with world.open():
        yield serve_world(world)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An application for tests that leave nothing behind: what is refused."""
    world = rig.World(DataDir(tmp_path_factory.mktemp("s") / "d"))
    with world.open():
        yield serve_world(world)


@pytest.fixture
def serve() -> Callable[[Any], Served]:
    """Serves a world that the test opened."""
    return serve_world
