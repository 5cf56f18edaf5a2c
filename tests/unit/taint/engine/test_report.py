"""Which findings stand for which flows."""

from sekisho.taint import analyze

_RUNNER = b"import os\ndef start(name):\n    os.system('run ' + name)\n"
_APP = b"""
from flask import Flask, request
from runner import start
app = Flask(__name__)
@app.route("/a")
def first():
    start(request.args["x"])
    return "ok"
"""
_SECOND = b"""
@app.route("/b")
def second():
    start(request.args["y"])
    return "ok"
"""


def _found(app: bytes):
    return analyze({"app.py": app, "runner.py": _RUNNER}).findings


def test_one_way_into_a_helper_is_reported_at_the_sink():
    """With one function to mend, the place of the harm is the place to look at."""
    assert [finding.location.function for finding in _found(_APP)] == ["start"]


def test_each_function_that_lets_data_into_a_shared_helper_has_a_finding_of_its_own():
    """A helper with a sink hides nobody; every flow still ends at the sink."""
    findings = _found(_APP + _SECOND)
    assert [finding.location.function for finding in findings] == ["first", "second"]
    assert len({finding.fingerprint for finding in findings}) == 2
    assert {finding.flow[-1].location.function for finding in findings} == {"start"}


def test_another_way_in_leaves_the_fingerprints_of_the_others():
    """What is added beside a finding does not make it a new one."""
    before = {finding.location.function: finding.fingerprint for finding in _found(_APP + _SECOND)}
    third = _SECOND.replace(b"/b", b"/c").replace(b"second", b"third")
    after = {finding.location.function: finding.fingerprint for finding in _found(_APP + _SECOND + third)}
    assert before.items() <= after.items()
