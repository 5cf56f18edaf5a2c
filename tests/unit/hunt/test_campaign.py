"""A campaign puts claims in order, each flaw once, and keeps what was not looked at in sight."""

import hashlib
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.findings import Confidence, Gap, NotAnalyzed, Severity, decode_campaign, encode_campaign
from sekisho.hunt.campaign import strongest


@given(order=st.permutations(range(6)))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_claims_does_not_matter(make_claim: Any, run_campaign: Any, order: list[int]) -> None:
    """The report is worst first, then surest, then by place, however the engine ordered it."""
    severities = [Severity.LOW, Severity.CRITICAL, Severity.HIGH, Severity.HIGH, Severity.MEDIUM, Severity.HIGH]
    sure = [Confidence.HIGH, Confidence.LOW, Confidence.LOW, Confidence.HIGH, Confidence.LOW, Confidence.LOW]
    claims = [make_claim(n + 1, severity=severities[n], confidence=sure[n]) for n in range(6)]
    findings = run_campaign(*(claims[n] for n in order)).findings
    assert [finding.location.line for finding in findings] == [2, 4, 3, 6, 5, 1]


def test_one_flaw_is_one_finding(make_claim: Any, run_campaign: Any) -> None:
    """Of claims with one fingerprint the worst stays, then the surest, then the shortest flow."""
    mild = make_claim(1, severity=Severity.LOW)
    unsure = make_claim(1, confidence=Confidence.LOW)
    long = make_claim(1, flow=make_claim(1).flow * 2)
    best = make_claim(1)
    assert strongest([mild, unsure, long, best]) == (best,)
    assert len(run_campaign(mild, best, make_claim(2)).findings) == 2


def test_what_was_read_is_told_by_digest(run_campaign: Any, small_survey: Any) -> None:
    """The report says which bytes were analysed, so that a later reader can tell whether they changed."""
    analyzed = run_campaign().coverage.analyzed
    assert [(read.path, read.sha256) for read in analyzed] == [
        (source.path, hashlib.sha256(source.data).hexdigest()) for source in small_survey.sources
    ]


def test_gaps_of_recon_and_engine_stand_together(run_campaign: Any, small_survey: Any) -> None:
    """A file that the engine could not read is not among those analysed; one it read in part is in both."""
    left_out = NotAnalyzed(path="tests/", gap=Gap.EXCLUDED, detail="left out by name")
    broken = NotAnalyzed(path="app/web.py", gap=Gap.NOT_PARSED, detail="no Python")
    partial = NotAnalyzed(path="app/store.py", gap=Gap.ENGINE_LIMIT, detail="line 3: too deep")
    survey = replace(small_survey, not_analyzed=(left_out,))
    coverage = run_campaign(survey=survey, unread=[broken], partial=[partial]).coverage
    assert [read.path for read in coverage.analyzed] == ["app/store.py"]
    assert coverage.not_analyzed == (partial, broken, left_out)


def test_a_campaign_is_a_report_that_reads_back(make_claim: Any, run_campaign: Any) -> None:
    """What a hunt makes is what `campaign submit` takes."""
    campaign = run_campaign(make_claim(1), make_claim(2))
    assert decode_campaign(encode_campaign(campaign)) == campaign
