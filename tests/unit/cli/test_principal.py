"""`sekisho principal`: what is sent to the office."""

import pytest
from typer.testing import CliRunner

from sekisho.cli import principal
from sekisho.cli.principal import KeyNotPublic


@pytest.mark.parametrize("held", [b"-----BEGIN PRIVATE KEY-----\nAAAA\n", b"", b"\xff"])
def test_a_private_key_is_not_taken_for_the_public_one(tmp_path, held):
    """Refused on this machine, before anything is sent, with the file that is wanted; its content is not shown."""
    (tmp_path / "key.pem").write_bytes(held)
    args = ["enrol", "--data", str(tmp_path), "--institution", "ins_1", "--kind", "workload", "--name", "hunter"]
    with pytest.raises(KeyNotPublic) as caught:
        CliRunner().invoke(principal.app, [*args, "--key", str(tmp_path / "key.pem")], catch_exceptions=False)
    assert "AAAA" not in str(caught.value)
    assert "key.jwk" in caught.value.hint
