"""The identity of a finding: it survives edits elsewhere, and changes with what would be another flaw."""

from hypothesis import given
from hypothesis import strategies as st

from sekisho.findings import family_of, fingerprint_of

_FACTS = {"cwe": "CWE-22", "path": "app/store.py", "function": "Store.read", "sink": "open(a, b)", "entry": "app:f"}


def test_layout_of_the_code_does_not_matter() -> None:
    """A formatter may break the line: white space is no part of the identity."""
    assert fingerprint_of(**_FACTS) == fingerprint_of(**(_FACTS | {"sink": "open(\n    a,\n    b)"}))


def test_the_family_of_the_weakness_matters_not_its_number() -> None:
    """Two engines call one flaw CWE-22 and CWE-23: it stays one finding."""
    assert fingerprint_of(**_FACTS) == fingerprint_of(**(_FACTS | {"cwe": "CWE-23"}))
    assert fingerprint_of(**_FACTS) != fingerprint_of(**(_FACTS | {"cwe": "CWE-89"}))
    assert family_of("CWE-564") == "CWE-89"
    assert family_of("CWE-918") == "CWE-918"


@given(name=st.sampled_from(sorted(_FACTS)), text=st.text(alphabet="xyz", min_size=1, max_size=9))
def test_every_fact_counts(name: str, text: str) -> None:
    """Another file, function, sink or entry is another finding."""
    assert fingerprint_of(**(_FACTS | {name: text})) != fingerprint_of(**_FACTS)


def test_facts_cannot_run_into_each_other() -> None:
    """The parts are framed: moving a character over a border gives another identity."""
    left = fingerprint_of(**(_FACTS | {"path": "ab", "function": "c"}))
    assert left != fingerprint_of(**(_FACTS | {"path": "a", "function": "bc"}))


def test_the_identity_never_changes_between_versions() -> None:
    """v1 is frozen: state kept under a fingerprint is found again by every later version."""
    assert fingerprint_of(**_FACTS) == "795e687da6a34999f5253743ff570c9d52ada59c39c17671b126bad79fd6de05"
