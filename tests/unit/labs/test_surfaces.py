"""The closed list: whatever is not on it does not pass."""

import pytest

from sekisho.labs import SURFACES, BadEndpoint, UnknownDialect, dialect_named, find_surface


def test_the_surfaces_are_found_and_have_a_dialect():
    """Each is reached by its own method and path alone."""
    for surface in SURFACES:
        assert find_surface(surface.method, surface.path) is surface
        assert dialect_named(surface.dialect).name == surface.dialect
    assert len({surface.name for surface in SURFACES}) == len(SURFACES) == 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages"),
        ("post", "/v1/messages"),
        ("POST", "/v1/messages/"),
        ("POST", "//v1/messages"),
        ("POST", "/v1/%6dessages"),
        ("POST", "/v1/./messages"),
        ("POST", "/v1/messages/../files"),
        ("POST", "/V1/messages"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/files"),
        ("POST", "/"),
        ("POST", ""),
    ],
)
def test_nothing_else_is(method, path):
    """No normalising: two spellings of a path are two paths, and one of them is not on the list."""
    assert find_surface(method, path) is None


def test_a_dialect_that_nobody_speaks_is_refused():
    """A typo in the configuration is found when it is read."""
    with pytest.raises(UnknownDialect):
        dialect_named("gemini")


def test_credentials_go_where_each_lab_expects_them_and_nowhere_else():
    """Invariant 3: one header, whose value cannot carry another."""
    assert dialect_named("openai").credential_headers("k-1") == ((b"authorization", b"Bearer k-1"),)
    assert dialect_named("anthropic").credential_headers("k-1") == ((b"x-api-key", b"k-1"),)
    for name in ("openai", "anthropic"):
        for credential in ("", "a b", "a\r\nx-evil: 1", "a\n", "é", "a" * 5000, "\0"):
            with pytest.raises(BadEndpoint) as refused:
                dialect_named(name).credential_headers(credential)
            assert "x-evil" not in str(refused.value)
