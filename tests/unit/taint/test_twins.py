"""Small programs with known answers, by weakness and by feature of the language."""

from sekisho.taint import analyze
from sekisho.taint.knowledge import default_knowledge


def test_the_vulnerable_twin_is_found_and_the_safe_one_is_not(twins, outcomes):
    """The one thing in which twins differ is the thing the engine sees."""
    found = [finding for finding in analyze(twins.vulnerable).findings if finding.rule_id == twins.rule]
    alarms = [finding for finding in analyze(twins.safe).findings if finding.rule_id == twins.rule]
    counts = outcomes[found[0].cwe if found else default_knowledge().rules[twins.rule].cwe]
    counts["pairs"] += 1
    counts["found"] += bool(found)
    counts["false alarms"] += bool(alarms)
    assert found
    assert not alarms


def test_a_finding_shows_its_way_from_the_source_to_the_sink(twins):
    """A flow begins where data comes in, ends at the sink, leads over the finding's place, and every step says why."""
    for finding in analyze(twins.vulnerable).findings:
        assert finding.flow
        assert finding.location in [step.location for step in finding.flow]
        assert all(step.why and step.expression for step in finding.flow)
        assert finding.preconditions
        assert len(finding.fingerprint) == 32


def test_every_rule_has_a_pair(all_twins):
    """A rule without twins is a rule that nobody has seen work."""
    assert set(default_knowledge().rules) == {pair.rule for pair in all_twins}
