"""A finding, a case of it, and who gives and gets notices."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sekisho.core.ids import AssetId, CampaignId, CaseId, FindingId, InstitutionId
from sekisho.db import Base, Database
from sekisho.disclosure import (
    Case,
    Embargo,
    EmbargoState,
    Issuer,
    Mitigation,
    MitigationKind,
    Recipient,
    Text,
    services,
)
from sekisho.exposure import Affected
from sekisho.findings import Confidence, Engine, Finding, FlowStep, Location, Severity
from sekisho.formats import purl
from sekisho.formats.cyclonedx import Component

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def finding() -> Finding:
    """An invented finding in an invented file."""
    return Finding(
        id=FindingId("fnd_" + "1" * 26),
        campaign_id=CampaignId("cmp_" + "1" * 26),
        asset_id=AssetId("ast_" + "1" * 26),
        rule_id="py/invented-rule",
        cwe="CWE-1000",
        title="Invented title of a finding",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        location=Location(path="package/invented_file.py", line=10, column=5, function="Invented.serve_something"),
        flow=(
            FlowStep(
                path="package/entry_point.py", line=3, expression="invented_call(value)", why="a public parameter"
            ),
        ),
        engine=Engine(name="invented", version="1.0"),
        fingerprint="ab" * 32,
        found_at=AT,
    )


@pytest.fixture
def case(finding: Finding) -> Case:
    """A case of `finding` under an active embargo."""
    return Case(
        id=CaseId("cas_" + "2" * 26),
        finding_id=finding.id,
        owner=InstitutionId("ins_finder"),
        affected=Affected(package="pkg:pypi/starlette", ranges=("vers:pypi/<0.27.0",)),
        fixed_version="0.27.0",
        mitigation=Mitigation(
            kind=MitigationKind.WORKAROUND,
            text=Text(
                en="Serve static files from the web server in front.\nDo so until you have updated.",
                ja="更新が終わるまで、静的ファイルは前段のWebサーバーから配信してください。",
            ),
        ),
        basis=Text(en="Needed to protect affected institutions.", ja="影響を受ける機関を保護するために必要なため。"),
        embargo=Embargo(state=EmbargoState.ACTIVE, lifts_at=AT + timedelta(days=90)),
        opened_at=AT,
        commitment="c" * 128,
    )


@pytest.fixture
def recipient() -> Recipient:
    """A bank that runs the affected version."""
    return Recipient(
        institution=InstitutionId("ins_regional"),
        name=Text(en="A Regional Bank", ja="ある地方銀行"),
        components=(Component(name="starlette", version="0.26.1", purl=purl.parse("pkg:pypi/starlette@0.26.1")),),
    )


@pytest.fixture
def issuer() -> Issuer:
    """A programme office."""
    return Issuer(
        name=Text(en="Programme office", ja="プログラム事務局"),
        namespace="https://sekisho.example",
        contact=Text(en="office@sekisho.example", ja="事務局 office@sekisho.example"),
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database with every table of this room and of those below."""
    assert services  # its import registers the tables
    made = Database.open(f"sqlite:///{tmp_path / 'control.db'}")
    Base.metadata.create_all(made.engine)
    yield made
    made.close()
