"""A finding, a campaign, and a database with two institutions that own one asset each."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sekisho.core.ids import AssetId, CampaignId, FindingId
from sekisho.findings import (
    Campaign,
    Confidence,
    Coverage,
    Engine,
    FileRead,
    Finding,
    FlowStep,
    Gap,
    Location,
    Mode,
    NotAnalyzed,
    OtherFiles,
    Severity,
)

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ENGINE = Engine(name="sekisho-taint", version="0.1.0")


def _finding(number: int = 1, *, campaign: int = 1, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "id": FindingId(f"fnd_{number:026d}"),
        "campaign_id": CampaignId(f"cmp_{campaign:026d}"),
        "asset_id": None,
        "rule_id": "python-path-traversal",
        "cwe": "CWE-22",
        "title": "A caller's text chooses the file that is opened",
        "severity": Severity.HIGH,
        "confidence": Confidence.MEDIUM,
        "location": Location(path="app/store.py", line=7, column=12, function="Store.read"),
        "flow": (FlowStep(path="app/store.py", line=5, expression="name", why="a parameter of a public function"),),
        "engine": ENGINE,
        "fingerprint": f"{number:064x}",
        "found_at": AT,
    }
    return Finding(**(values | changes))


def _campaign(*findings: Finding, number: int = 1, **changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "id": CampaignId(f"cmp_{number:026d}"),
        "asset_id": None,
        "target": "app",
        "mode": Mode.LIBRARY,
        "engines": (ENGINE,),
        "started_at": AT,
        "finished_at": AT,
        "coverage": Coverage(
            analyzed=(FileRead(path="app/store.py", sha256="0" * 64),),
            not_analyzed=(NotAnalyzed(path="app/tests/", gap=Gap.EXCLUDED, detail="left out by name"),),
            other_files=(OtherFiles(suffix=".js", count=2),),
        ),
        "findings": findings,
    }
    return Campaign(**(values | changes))


@pytest.fixture
def make_finding() -> Any:
    """Make finding `number` of campaign `campaign`, with changes."""
    return _finding


@pytest.fixture
def make_campaign() -> Any:
    """Make campaign `number` of the findings given."""
    return _campaign


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Any]:
    """An empty database with every table that findings need."""
    from sekisho.db import Base, Database, sqlite_url
    from sekisho.findings import tables as findings_tables
    from sekisho.registry import tables as registry_tables

    assert findings_tables
    assert registry_tables
    opened = Database.open(sqlite_url(tmp_path / "control.db"))
    Base.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def owners(database: Any, ids: Any) -> dict[str, AssetId]:
    """Two institutions by id, each with its one asset."""
    from sekisho.registry import services as registry
    from sekisho.registry.models import AssetKind, InstitutionKind

    owned: dict[str, AssetId] = {}
    with database.begin() as session:
        for lei in ("353800TESTTESTAA0091", "353800TESTTESTBB0055"):
            institution = registry.enrol_institution(
                session, lei=lei, kind=InstitutionKind.BANK, name="A bank", name_ja=None, country="JP", ids=ids, at=AT
            )
            asset = registry.declare_asset(
                session,
                institution_id=institution.id,
                kind=AssetKind.REPOSITORY,
                name="https://git.bank.example/app",
                basis="written here",
                ids=ids,
                at=AT,
            )
            owned[institution.id] = asset.id
    return owned
