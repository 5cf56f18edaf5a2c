"""Judges are programs by others that check what ours wrote. Absent ones are told, or, in `make judges`, refused."""

import os

import pytest

# In the reason of a skip: a judge that some machines cannot have.
OPTIONAL = "optional judge"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn the skip of a judge into a failure where judges are required."""
    outcome = yield
    report = outcome.get_result()
    if OPTIONAL in str(report.longrepr):
        return
    if report.skipped and item.get_closest_marker("judge") and os.environ.get("SEKISHO_JUDGES_REQUIRED") == "1":
        report.outcome = "failed"
        report.longrepr = f"a judge may not be skipped here: {report.longrepr}"
