"""Who may know (rings) and what there is to know (levels). Names as in docs/disclosure.md; both ordered."""

from enum import IntEnum


class Ring(IntEnum):
    """An audience of disclosure, from the narrowest to the widest."""

    TRIAGE = 0
    VENDOR = 1
    FINDER = 2
    AFFECTED = 3
    MEMBERS = 4
    PUBLIC = 5


class Level(IntEnum):
    """What is told, from the least to the most dangerous.

    EXISTENCE: that a case exists, its commitment and dates. SEALED_MATCH: an entry that only holders of the
    component can open. MITIGATION: component, versions, what to do. FIX: the version that mends it.
    TECHNICAL: where and how. REPRODUCER: a test that shows it.
    """

    EXISTENCE = 0
    SEALED_MATCH = 1
    MITIGATION = 2
    FIX = 3
    TECHNICAL = 4
    REPRODUCER = 5
