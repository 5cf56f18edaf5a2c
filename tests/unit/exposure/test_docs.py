"""The page lists what the code decides."""

import re
from pathlib import Path

from sekisho.exposure import Why
from sekisho.formats import vers

PAGE = (Path(__file__).parents[3] / "docs" / "exposure.md").read_text(encoding="utf-8")


def test_every_reason_is_on_the_page_with_its_verdict() -> None:
    """docs/exposure.md, row by row."""
    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z ]+) \|", PAGE, re.MULTILINE)
    assert {name: verdict.replace(" ", "-") for name, verdict in rows} == {why.value: why.verdict.value for why in Why}


def test_every_scheme_on_the_page_is_known() -> None:
    """A scheme that a release of univers drops becomes unknown: the page must say so."""
    listed = re.search(r"Known schemes are those of `univers`: ([a-z,\s]+)\.", PAGE)
    assert listed is not None
    names = re.split(r",\s+", listed[1])
    assert len(names) == 25
    assert all(map(vers.is_known_scheme, names))
