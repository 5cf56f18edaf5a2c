"""The one law of matching: what cannot be told is unknown, never not-affected."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.ids import InstitutionId
from sekisho.exposure import Affected, AffectedRefused, Inventory, InventoryRefused, Verdict, Why, expose
from sekisho.formats import purl
from sekisho.formats.cyclonedx import Component
from sekisho.formats.purl import PurlRefused
from sekisho.formats.vers import RangeRefused

STARLETTE = Affected(package="pkg:pypi/starlette", ranges=("vers:pypi/>=0.13.5|<0.27.0",))
OTHER = "pkg:pypi/anyio@3.6.2"


def _component(text: str, *, name: str | None = None, version: str | None = None) -> Component:
    read = purl.parse(text)
    return Component(name=name or read.name, version=version, purl=read)


def _inventory(*components: Component | str) -> Inventory:
    return Inventory(
        institution=InstitutionId("ins_a"),
        sbom_sha256="0" * 64,
        recorded_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
        components=tuple(c if isinstance(c, Component) else _component(c) for c in components),
    )


def test_the_story() -> None:
    """The regional bank runs 0.26.1 and is affected; the fintech runs 0.27.0 and is not."""
    bank = expose(_inventory(OTHER, "pkg:pypi/starlette@0.26.1"), STARLETTE)
    assert (bank.verdict, bank.why) == (Verdict.AFFECTED, Why.VERSION_IN_RANGE)
    assert [component.name for component in bank.components] == ["starlette"]
    fintech = expose(_inventory(OTHER, "pkg:pypi/starlette@0.27.0"), STARLETTE)
    assert (fintech.verdict, fintech.why) == (Verdict.NOT_AFFECTED, Why.VERSION_OUTSIDE)


@pytest.mark.parametrize(
    ("inventory", "why"),
    [
        (None, Why.NO_INVENTORY),
        (_inventory(), Why.INVENTORY_EMPTY),
        (_inventory("pkg:pypi/starlette"), Why.VERSION_MISSING),
        (_inventory("pkg:pypi/starlette@latest"), Why.VERSION_UNREADABLE),
        (_inventory(_component("pkg:pypi/starlette@0.27.0", version="main-2026")), Why.VERSION_UNREADABLE),
        (_inventory(Component(name="starlette", version="0.27.0", purl=None)), Why.LOOK_ALIKE),
        (_inventory("pkg:deb/debian/python3-starlette@0.26.1-1+deb12u1"), Why.LOOK_ALIKE),
        (_inventory("pkg:github/encode/Starlette@0.27.0"), Why.LOOK_ALIKE),
        (_inventory("pkg:pypi/starlette@0.27.0", Component(name="Starlette", version=None, purl=None)), Why.LOOK_ALIKE),
        (replace(_inventory(OTHER), is_incomplete=True), Why.INVENTORY_INCOMPLETE),
        (replace(_inventory("pkg:pypi/starlette@0.27.0"), is_incomplete=True), Why.INVENTORY_INCOMPLETE),
    ],
)
def test_what_cannot_be_told_is_unknown(inventory: Inventory | None, why: Why) -> None:
    """Each doubt has its reason, and none of them clears anybody."""
    exposure = expose(inventory, STARLETTE)
    assert exposure.why is why
    assert exposure.verdict is Verdict.UNKNOWN


def test_an_unknown_scheme_is_unknown_unless_the_version_is_listed() -> None:
    """Without an order only equality of texts tells anything, and only in one direction."""
    affected = Affected(package="pkg:cobol/core", ranges=("vers:cobol/<2",), versions=("1.0-x",))
    assert expose(_inventory("pkg:cobol/core@1.0-x"), affected).why is Why.VERSION_LISTED
    assert expose(_inventory("pkg:cobol/core@3"), affected).why is Why.SCHEME_UNKNOWN


def test_listed_versions_are_compared_as_versions() -> None:
    """0.26 and 0.26.0 are one release of pypi."""
    affected = Affected(package="pkg:pypi/starlette", versions=("0.26",))
    assert expose(_inventory("pkg:pypi/starlette@0.26.0"), affected).why is Why.VERSION_LISTED
    assert expose(_inventory("pkg:pypi/starlette@0.26.1"), affected).why is Why.VERSION_OUTSIDE


def test_one_affected_copy_decides() -> None:
    """A fixed copy beside it, or one of unknown version, changes nothing."""
    exposure = expose(
        _inventory("pkg:pypi/starlette@0.27.0", "pkg:pypi/starlette", "pkg:pypi/starlette@0.20.0"), STARLETTE
    )
    assert exposure.verdict is Verdict.AFFECTED
    assert [c.purl and c.purl.version for c in exposure.components] == ["0.20.0"]


def test_of_two_versions_in_one_component_the_graver_counts() -> None:
    """A document that contradicts itself does not clear its sender."""
    assert expose(_inventory(_component("pkg:pypi/starlette@0.27.0", version="0.26.1")), STARLETTE).verdict is (
        Verdict.AFFECTED
    )


versions = st.sampled_from(["0.1", "0.13.5", "0.26.1", "0.27.0", "1.0", None, "latest"])
components = st.builds(
    lambda name, version, has_purl: Component(
        name=name,
        version=version,
        purl=purl.parse(f"pkg:pypi/{name}" + (f"@{version}" if version else "")) if has_purl else None,
    ),
    st.sampled_from(["starlette", "anyio", "flask", "starlette-admin"]),
    versions,
    st.booleans(),
)
TRUTH = {"0.1": False, "0.13.5": True, "0.26.1": True, "0.27.0": False, "1.0": False}


@given(st.lists(components, max_size=6), st.booleans())
def test_nobody_is_cleared_who_might_be_affected(listed: list[Component], is_incomplete: bool) -> None:
    """Not-affected needs: a whole list, and every component that could be the package proven to be outside."""
    exposure = expose(replace(_inventory(*listed), is_incomplete=is_incomplete), STARLETTE)
    suspects = [c for c in listed if c.name == "starlette" or (c.purl is None and c.name == "starlette-admin")]
    proven = all(c.purl is not None and c.version and TRUTH.get(c.version) is False for c in suspects)
    hit = any(c.purl is not None and TRUTH.get(c.version or "") is True for c in suspects)
    if hit:
        assert exposure.verdict is Verdict.AFFECTED
    elif listed and proven and not is_incomplete:
        assert exposure.verdict is Verdict.NOT_AFFECTED
    else:
        assert exposure.verdict is Verdict.UNKNOWN


@given(st.lists(components, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_changes_no_verdict(listed: list[Component], shuffler) -> None:
    """An SBOM is a set, whatever order a tool writes it in."""
    other = list(listed)
    shuffler.shuffle(other)
    assert expose(_inventory(*listed), STARLETTE).verdict is expose(_inventory(*other), STARLETTE).verdict


@given(st.lists(components, max_size=5), components)
def test_one_more_component_never_makes_safer(listed: list[Component], more: Component) -> None:
    """From affected nothing leads back, and from unknown nothing leads to not-affected, but for the empty list."""
    before, after = expose(_inventory(*listed), STARLETTE).verdict, expose(_inventory(*listed, more), STARLETTE).verdict
    if before is Verdict.AFFECTED:
        assert after is Verdict.AFFECTED
    if before is Verdict.UNKNOWN and listed:
        assert after is not Verdict.NOT_AFFECTED


def test_every_reason_leads_to_a_verdict() -> None:
    """The list is closed: four reasons decide, all others are doubts."""
    deciding = {why for why in Why if why.verdict is not Verdict.UNKNOWN}
    assert deciding == {Why.VERSION_LISTED, Why.VERSION_IN_RANGE, Why.VERSION_OUTSIDE, Why.COMPONENT_ABSENT}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"package": "pkg:pypi/a"}, AffectedRefused),
        ({"package": "pkg:pypi/a@1", "versions": ("1",)}, PurlRefused),
        ({"package": "starlette", "versions": ("1",)}, PurlRefused),
        ({"package": "pkg:pypi/a", "ranges": ("vers:npm/<1",)}, AffectedRefused),
        ({"package": "pkg:pypi/a", "ranges": ("<1",)}, RangeRefused),
        ({"package": "pkg:pypi/a", "versions": ("",)}, AffectedRefused),
        ({"package": "pkg:pypi/a", "versions": ("<1",)}, AffectedRefused),
        ({"package": "pkg:pypi/a", "versions": ("1",) * 3000}, AffectedRefused),
    ],
)
def test_what_is_affected_is_said_clearly_or_refused(fields: dict, error: type[Exception]) -> None:
    """A range in another ecosystem's order, or none at all, would give false answers."""
    with pytest.raises(error):
        Affected(**fields)


def test_an_inventory_has_a_digest_and_a_time() -> None:
    """Malformed values do not exist."""
    with pytest.raises(InventoryRefused):
        replace(_inventory(OTHER), sbom_sha256="x")
    with pytest.raises(InventoryRefused):
        replace(_inventory(OTHER), recorded_at=datetime(2026, 11, 22, 9))  # noqa: DTZ001
