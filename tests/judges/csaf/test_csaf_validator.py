"""BSI's csaf-validator-lib, an independent implementation of chapter 6 of CSAF 2.0, judges what we publish."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sekisho.core.ids import CaseId, FindingId, InstitutionId
from sekisho.disclosure import (
    Case,
    Embargo,
    EmbargoState,
    Issuer,
    Mitigation,
    MitigationKind,
    Notice,
    Recipient,
    Text,
    build_notice,
)
from sekisho.exposure import Affected
from sekisho.formats import csaf, purl
from sekisho.formats.cyclonedx import Component

JUDGES = Path(os.environ.get("SEKISHO_JUDGES", Path(__file__).parents[3] / ".judges"))
LIBRARY = JUDGES / "node_modules" / "@secvisogram" / "csaf-validator-lib"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
# 6.2.3 asks for a CVSS score, which would tell how the flaw is reached, and 6.2.11 for a public address, which a
# notice under embargo does not have.
WARNINGS_MEANT = {"optionalTest_6_2_3", "optionalTest_6_2_11"}

pytestmark = pytest.mark.judge


@pytest.fixture(scope="module")
def node() -> str:
    """The node program, with the judge beside it."""
    found = shutil.which("node")
    if found is None or not (LIBRARY / "package.json").is_file():
        pytest.skip("needs node and @secvisogram/csaf-validator-lib: make judges")
    return found


def _judge(node: str, *files: Path) -> dict[str, Any]:
    runner = Path(__file__).with_name("validate.mjs")
    done = subprocess.run(
        [node, str(runner), str(LIBRARY), *map(str, files)], capture_output=True, check=True, timeout=60, text=True
    )
    verdicts: dict[str, Any] = json.loads(done.stdout)
    return verdicts


def _notice(embargo: Embargo, fixed_version: str | None) -> Notice:
    case = Case(
        id=CaseId("cas_" + "0" * 26),
        finding_id=FindingId("fnd_" + "0" * 26),
        owner=InstitutionId("ins_353800v2v8pusy9tk000"),
        affected=Affected(package="pkg:pypi/starlette", ranges=("vers:pypi/<0.27.0",)),
        fixed_version=fixed_version,
        mitigation=Mitigation(
            kind=MitigationKind.WORKAROUND,
            text=Text(
                en="Serve static files from the web server.", ja="静的ファイルはWebサーバーから配信してください。"
            ),
        ),
        basis=Text(en="Needed to protect an affected institution.", ja="影響を受ける機関の保護に必要なため。"),
        embargo=embargo,
        opened_at=AT,
        commitment="0" * 128,
    )
    recipient = Recipient(
        institution=InstitutionId("ins_regional"),
        name=Text(en="A Regional Bank", ja="ある地方銀行"),
        components=(Component(name="starlette", version="0.26.1", purl=purl.parse("pkg:pypi/starlette@0.26.1")),),
    )
    issuer = Issuer(
        name=Text(en="Programme office", ja="プログラム事務局"),
        namespace="https://sekisho.example",
        contact=Text(en="office@sekisho.example", ja="office@sekisho.example"),
    )
    return build_notice(case, notice_id="ntc_" + "7" * 26, recipient=recipient, issuer=issuer, at=AT)


def _broken() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_notice(Embargo(state=EmbargoState.EXITED), None).files[0].data)
    value["vulnerabilities"][0]["product_status"]["known_affected"].append("SEKISHO-NOWHERE")
    return value


@pytest.fixture(scope="module")
def verdicts(node: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the judge says, by file name: node starts once, it takes seconds."""
    folder = tmp_path_factory.mktemp("notices")
    active = Embargo(state=EmbargoState.ACTIVE, lifts_at=AT + timedelta(days=90))
    for state, embargo in (("active", active), ("exited", Embargo(state=EmbargoState.EXITED))):
        for fixed_version in (None, "0.27.0"):
            name = f"{state}-{'unfixed' if fixed_version is None else 'fixed'}.json"
            (folder / name).write_bytes(_notice(embargo, fixed_version).files[0].data)
    (folder / "broken.json").write_text(json.dumps(_broken()))
    return {Path(file).name: verdict for file, verdict in _judge(node, *sorted(folder.iterdir())).items()}


@pytest.mark.parametrize("name", ["active-unfixed", "active-fixed", "exited-unfixed", "exited-fixed"])
def test_a_notice_passes_the_schema_and_every_mandatory_test(verdicts: dict[str, Any], name: str) -> None:
    """CSAF 2.0 6.1, judged by others; of the optional tests only those warn that an embargo forbids to please."""
    verdict = verdicts[f"{name}.json"]
    assert verdict["tests"] >= 43
    assert verdict["failed"] == []
    assert set(verdict["warned"]) <= WARNINGS_MEANT


def test_the_judge_is_awake(verdicts: dict[str, Any]) -> None:
    """A notice with an undefined product fails test 6.1.1 with the judge as with us."""
    assert "mandatoryTest_6_1_1" in verdicts["broken.json"]["failed"]
    with pytest.raises(csaf.CsafRefused, match=r"6\.1\.1"):
        csaf.check_csaf(_broken())
