"""One asset, one name."""

import pytest

from sekisho.registry import AssetKind, AssetRefused, check_asset_name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (AssetKind.HOST, "www.bank.example"),
        (AssetKind.REPOSITORY, "https://git.bank.example/core/ledger.git"),
        (AssetKind.PACKAGE, "pkg:pypi/starlette@0.26.1"),
        (AssetKind.PACKAGE, "pkg:npm/%40bank/web@1.0.0"),
        (AssetKind.PACKAGE, "pkg:maven/org.bank/core"),
        (AssetKind.ACCOUNT, "aws:123456789012"),
    ],
)
def test_names_in_form_are_taken(kind: AssetKind, name: str) -> None:
    """Each kind has its form."""
    assert check_asset_name(kind, name) == name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (AssetKind.HOST, "WWW.bank.example"),
        (AssetKind.HOST, "www.bank.example."),
        (AssetKind.HOST, "localhost"),
        (AssetKind.HOST, "*.bank.example"),
        (AssetKind.HOST, "bank.example\n"),
        (AssetKind.HOST, "bänk.example"),
        (AssetKind.HOST, ".".join(["a" * 60] * 5)),
        (AssetKind.REPOSITORY, "http://git.bank.example/core"),
        (AssetKind.REPOSITORY, "https://user@git.bank.example/core"),
        (AssetKind.REPOSITORY, "https://git.bank.example:8443/core"),
        (AssetKind.REPOSITORY, "https://git.bank.example/a/../b"),
        (AssetKind.REPOSITORY, "https://git.bank.example/a?b"),
        (AssetKind.REPOSITORY, "https://git.bank.example/a/"),
        (AssetKind.REPOSITORY, "https://git.bank.example/%61"),
        (AssetKind.PACKAGE, "starlette"),
        (AssetKind.PACKAGE, "pkg:pypi/starlette@0.26.1?os=linux"),
        (AssetKind.PACKAGE, "pkg:pypi/starlette#src"),
        (AssetKind.PACKAGE, "PKG:pypi/starlette"),
        (AssetKind.ACCOUNT, "123456789012"),
        (AssetKind.ACCOUNT, "aws:" + "1" * 500),
    ],
)
def test_a_second_spelling_or_another_form_is_refused(kind: AssetKind, name: str) -> None:
    """A scope that lists an asset means that one, and there is no other way to write it."""
    with pytest.raises(AssetRefused):
        check_asset_name(kind, name)
