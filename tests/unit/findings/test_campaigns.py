"""A campaign holds its own findings, once each, and says what it did not look at."""

from dataclasses import replace
from typing import Any

import pytest

from sekisho.findings import FindingRefused, Gap, NotAnalyzed


def test_a_campaign_holds_its_own_findings_once(make_finding: Any, make_campaign: Any) -> None:
    """No finding of another campaign or asset, no fingerprint and no id twice."""
    finding = make_finding(1)
    make_campaign(finding, make_finding(2))
    for wrong in (
        make_finding(2, campaign=2),
        make_finding(2, asset_id="ast_" + "0" * 26),
        replace(finding, id=make_finding(3).id),
        replace(finding, fingerprint="f" * 64),
    ):
        with pytest.raises(FindingRefused):
            make_campaign(finding, wrong)


def test_a_folder_is_not_analysed_under_its_name_and_a_slash() -> None:
    """A gap may be a folder; its path ends in one slash."""
    NotAnalyzed(path="app/tests/", gap=Gap.EXCLUDED, detail="")
    with pytest.raises(FindingRefused):
        NotAnalyzed(path="app/tests//", gap=Gap.EXCLUDED, detail="")
