import pytest

from sekisho.core import SekishoError
from sekisho.core.utc import BadTime, parse_utc
from sekisho.core.window import BadWindow


def test_an_error_says_code_message_and_hint():
    """What people see has all three, the hint on a line of its own."""
    assert str(BadTime("not a time")) == f"error[SKS-CORE-001]: not a time\nhint: {BadTime.hint}"


def test_an_error_is_the_same_for_programs():
    """Every JSON surface uses one shape."""
    assert BadTime("no").to_dict() == {"code": "SKS-CORE-001", "message": "no", "hint": BadTime.hint}


def test_a_case_may_have_a_better_hint_than_its_class():
    """The hint of one error does not leak into the next."""
    assert BadWindow("no", hint="Try tomorrow.").to_dict()["hint"] == "Try tomorrow."
    assert BadWindow("no").hint == BadWindow.hint != "Try tomorrow."


def test_no_foreign_error_leaves_the_room():
    """A caller catches SekishoError and nothing else."""
    with pytest.raises(SekishoError):
        parse_utc("2026-13-01T00:00:00Z")
