"""The identity of a finding across edits, runs and engines.

It is made of what is wrong and where in the program, never of line numbers: the family of the weakness, the
file, the function, the sink's expression without its white space, and the entry that the flow starts at.
"""

import hashlib

from sekisho.formats import jcs

_TAG = "sekisho-fingerprint/v1"

# Neighbours that engines name differently for one flaw, each family under its first number.
_FAMILIES = (
    (78, 77, 88),
    (94, 95, 96, 74, 1336, 470),
    (89, 564, 943),
    (79, 80, 83, 116),
    (22, 23, 36, 73, 98),
    (611, 776, 827, 20, 91),
    (327, 326, 328, 347),
    (400, 185, 1333),
)
_FAMILY_OF = {f"CWE-{member}": f"CWE-{family[0]}" for family in _FAMILIES for member in family}


def family_of(cwe: str) -> str:
    """Return the weakness that stands for the family of `cwe` (written CWE-23), itself if it has none."""
    return _FAMILY_OF.get(cwe, cwe)


def fingerprint_of(*, cwe: str, path: str, function: str, sink: str, entry: str) -> str:
    """Return 64 hex digits: SHA-256 over the canonical JSON list of these facts.

    `sink`: the expression at the end of the flow; `entry`: the qualified function (or other source) that it
    starts in, "" if unknown. Reformatting a line, or adding lines above it, changes nothing.
    """
    facts = [_TAG, family_of(cwe), path, function, "".join(sink.split()), "".join(entry.split())]
    return hashlib.sha256(jcs.canonical(facts)).hexdigest()
