from datetime import timedelta


def test_a_steady_clock_moves_only_when_told(clock):
    """Back as well as forward: skew is a case to test."""
    first = clock.now()
    assert clock.now() == first
    clock.advance(timedelta(seconds=-3))
    assert clock.now() == first - timedelta(seconds=3)
