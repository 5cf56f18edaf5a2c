"""What would mislead a reader or drive a terminal is refused."""

import pytest

from sekisho.findings import FindingRefused
from sekisho.findings.checks import check_path, check_text


@pytest.mark.parametrize(
    "path", ["", "/etc/app.py", "../app.py", "a/../b.py", "a//b.py", "./a.py", "a\\b.py", "a\nb.py", "a/", "e\u0301.py"]
)
def test_a_path_that_leaves_its_root_or_has_two_spellings_is_refused(path: str) -> None:
    """Paths are relative, POSIX, NFC, and stay below the hunted root."""
    with pytest.raises(FindingRefused):
        check_path(path)


@pytest.mark.parametrize("text", ["\x1b[2J", "a\rb", "\u202ecod", "\ud800", "e\u0301", "x" * 1_001, "a\u2028b"])
def test_text_that_drives_a_terminal_or_reads_otherwise_than_it_runs_is_refused(text: str) -> None:
    """Controls, bidirectional overrides, surrogates, text that is not NFC, and endless text."""
    with pytest.raises(FindingRefused):
        check_text(text)
