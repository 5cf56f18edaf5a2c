"""Cleaned text is always fit for a finding, whatever it was made of."""

from hypothesis import given
from hypothesis import strategies as st

from sekisho.findings import clean_path, clean_text
from sekisho.findings.checks import check_path, check_text

_HOSTILE = st.text(alphabet=st.characters() | st.sampled_from("\x1b\u202e\u0301\n\ud800/\\."), max_size=60)


@given(_HOSTILE)
def test_cleaned_text_passes_the_check(text: str) -> None:
    """Any text, surrogates and overrides included, can be shown once cleaned."""
    check_text(clean_text(text))


@given(st.lists(_HOSTILE.map(lambda t: t.replace("/", "")), min_size=1, max_size=40).map("/".join))
def test_a_cleaned_path_passes_the_check(path: str) -> None:
    """Any name that a file system holds can be named in a report."""
    check_path(clean_path(path))


def test_long_text_is_cut_and_says_so() -> None:
    """What is cut ends in an ellipsis and keeps to the limit, even where normalising makes it longer."""
    assert clean_text("x" * 5_000) == "x" * 999 + "…"
    check_text(clean_text("\ufb2c" * 1_000))
    check_path(clean_path("/".join(["x" * 200] * 20)))


def test_plain_text_is_left_alone() -> None:
    """Cleaning changes nothing that was fit, but for runs of white space."""
    assert clean_text("open(  名前,\n 'rb')") == "open( 名前, 'rb')"
    assert clean_path("app/関所.py") == "app/関所.py"
