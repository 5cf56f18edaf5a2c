from sekisho.core import Tlp


def test_labels_are_firsts():
    """TLP 2.0, section 2: the four labels and AMBER+STRICT, with the prefix."""
    assert [tlp.label for tlp in Tlp] == ["TLP:RED", "TLP:AMBER+STRICT", "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR"]


def test_narrower_is_a_strict_order():
    """RED travels least, CLEAR most; nothing is narrower than itself."""
    ordered = [Tlp.RED, Tlp.AMBER_STRICT, Tlp.AMBER, Tlp.GREEN, Tlp.CLEAR]
    for here, one in enumerate(ordered):
        for there, other in enumerate(ordered):
            assert one.is_narrower_than(other) == (here < there)
