"""SBOMs are read strictly where looking away would call a bank safe."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.formats import cyclonedx
from sekisho.formats.cyclonedx import SPEC_VERSIONS, SbomRefused


def _bom(*components: dict, **more: object) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components, **more}).encode()


STARLETTE = {"type": "library", "name": "starlette", "version": "0.26.1", "purl": "pkg:pypi/starlette@0.26.1"}


@pytest.mark.parametrize("version", SPEC_VERSIONS)
def test_every_json_version_of_the_format_is_read(version: str) -> None:
    """CycloneDX has JSON since 1.2; what we need of it has not changed since."""
    sbom = cyclonedx.parse(_bom(STARLETTE, specVersion=version))
    (component,) = sbom.components
    assert (component.name, component.version) == ("starlette", "0.26.1")
    assert component.purl is not None
    assert component.purl.version == "0.26.1"


def test_nested_components_and_the_application_itself_are_listed() -> None:
    """A vulnerable component inside an assembly, or the described application, is run as well."""
    inner = {"name": "inner", "components": [STARLETTE]}
    sbom = cyclonedx.parse(_bom({"name": "outer", "components": [inner]}, metadata={"component": {"name": "app"}}))
    assert [component.name for component in sbom.components] == ["app", "outer", "inner", "starlette"]


def test_a_purl_that_cannot_be_read_keeps_its_component() -> None:
    """Dropping the component would make its absence look like safety."""
    sbom = cyclonedx.parse(_bom({"name": "starlette", "version": "0.26.1", "purl": "pypi:starlette"}))
    assert sbom.components[0].purl is None
    assert sbom.without_purl == 1


@pytest.mark.parametrize(
    ("aggregate", "is_incomplete"),
    [("complete", False), ("incomplete", True), ("unknown", True), ("incomplete_third_party_only", True)],
)
def test_a_document_that_says_it_is_incomplete_is_believed(aggregate: str, is_incomplete: bool) -> None:
    """CycloneDX compositions."""
    assert cyclonedx.parse(_bom(STARLETTE, compositions=[{"aggregate": aggregate}])).is_incomplete is is_incomplete


def test_a_byte_order_mark_is_no_obstacle() -> None:
    """Tools on Windows write one."""
    assert cyclonedx.parse(b"\xef\xbb\xbf" + _bom(STARLETTE)).components


def _nested(depth: int) -> dict:
    component: dict = {"name": "x"}
    for _ in range(depth):
        component = {"name": "x", "components": [component]}
    return component


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"bomFormat":"CycloneDX","bomFormat":"CycloneDX","specVersion":"1.6"}',
        _bom(specVersion="1.1"),
        _bom(specVersion="2.0"),
        _bom(specVersion=1.6),
        _bom(specVersion=["1.6"]),
        _bom(bomFormat="SPDX"),
        _bom({"version": "1"}),
        _bom({"name": ""}),
        _bom({"name": 1}),
        _bom({"name": "a", "version": 1}),
        _bom({"name": "a", "purl": {}}),
        _bom({"name": "a", "components": {}}),
        _bom({"name": "a" * 2000}),
        _bom(components="x"),
        _bom(components=["x"]),
        _bom(metadata=[]),
        _bom(metadata={"component": 1}),
        _bom(compositions={}),
        _bom(_nested(40)),
        b"[" * 200_000,
    ],
    ids=str,
)
def test_hostile_documents_are_refused(data: bytes) -> None:
    """One coded error, whatever is wrong."""
    with pytest.raises(SbomRefused):
        cyclonedx.parse(data)


def test_sizes_and_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits hold before anything large is built."""
    monkeypatch.setattr(cyclonedx, "MAX_COMPONENTS", 3)
    with pytest.raises(SbomRefused, match="more than 3"):
        cyclonedx.parse(_bom(*[STARLETTE] * 4))
    monkeypatch.setattr(cyclonedx, "MAX_SIZE_BYTES", 10)
    with pytest.raises(SbomRefused, match="more than 10"):
        cyclonedx.parse(_bom(STARLETTE))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "version", "purl", "components", "aggregate", "component"]), inner)
    ),
    max_leaves=12,
)


@given(json_values, json_values, json_values)
def test_any_json_ends_in_an_sbom_or_a_refusal(components, metadata, compositions) -> None:
    """No other error leaves the reader."""
    try:
        cyclonedx.parse(_bom(components=components, metadata=metadata, compositions=compositions))
    except SbomRefused:
        return
