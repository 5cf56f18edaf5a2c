"""Laws of the paused collector."""

import gc

import pytest

from sekisho.taint.collector import collector_paused


def test_it_is_off_inside_and_on_after() -> None:
    """It is off inside, also after an inner block has ended, and on after the outermost one."""
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_switches_it_on_again() -> None:
    """What is raised inside does not leave it off."""
    with pytest.raises(ValueError, match="inside"), collector_paused():
        raise ValueError("inside")
    assert gc.isenabled()


def test_whoever_switched_it_off_before_keeps_it_off() -> None:
    """A program that runs without it is left as it is."""
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
