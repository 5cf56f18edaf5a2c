"""The lattice: safety must hold on every way, suspicion on one."""

from hypothesis import given
from hypothesis import strategies as st

from sekisho.taint.engine.values import Origin, Point, Taint, Value, all_taints, join, read, write

POINT = Point("a.py", "f", 0)
MARKS = st.frozensets(st.sampled_from(["path", "sql", "resolved"]), max_size=3)
TAINTS = st.builds(
    Taint,
    st.builds(Origin, st.just("param"), st.sampled_from("abc"), st.just(()), st.just(POINT)),
    MARKS,
    st.frozensets(st.sampled_from(["joined", "embedded"]), max_size=2),
)
VALUES = st.builds(lambda taints: Value(tuple({t.origin: t for t in taints}.values())), st.lists(TAINTS, max_size=3))


def _state(value):
    return {taint.origin: (taint.safe, taint.facts) for taint in all_taints(value)}


@given(left=VALUES, right=VALUES)
def test_joining_is_the_same_from_both_sides(left, right):
    """a or b is b or a."""
    assert _state(join(left, right)) == _state(join(right, left))


@given(left=VALUES, right=VALUES)
def test_a_mark_survives_only_if_both_ways_have_it(left, right):
    """A guard on one way is no guard; a fact on one way is a fact."""
    joined, one, other = _state(join(left, right)), _state(left), _state(right)
    assert joined.keys() == one.keys() | other.keys()
    for origin in one.keys() & other.keys():
        assert joined[origin] == (one[origin][0] & other[origin][0], one[origin][1] | other[origin][1])


@given(value=VALUES, item=VALUES)
def test_what_is_written_is_read_and_nothing_else_is(value, item):
    """A key holds what was put there; the value it was put into is not changed."""
    before = _state(value)
    written = write(value, "key", item)
    assert _state(read(written, "key")) == _state(item)
    assert _state(value) == before


def test_marks_lost_in_a_callee_are_lost_to_the_caller():
    """What a function drops of its parameter is dropped of the argument, though the mark was the caller's."""
    inner = Taint(Origin("param", "a", (), POINT)).changed(drop=frozenset({"path"}))
    outer = Taint(Origin("param", "b", (), POINT), frozenset({"path", "sql"}))
    safe, _, _ = outer.inside(inner)
    assert safe == {"sql"}
