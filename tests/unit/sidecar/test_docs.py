"""docs/sidecar.md: what it shows runs, and it names every error."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sekisho.sidecar import errors
from sekisho.sidecar.errors import SekishoError

from .conftest import ASSET, PRINCIPAL

PAGE = Path(__file__).parents[3] / "docs" / "sidecar.md"


def test_the_snippet_runs(programme, key_file):
    """A reader who copies it gets answers from both SDKs, with the machine's own clock."""
    programme.clock.advance(datetime.fromtimestamp(time.time(), UTC) - programme.clock.now())
    snippet = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert snippet is not None
    told = {
        "KEY_FILE": key_file,
        "PRINCIPAL": PRINCIPAL,
        "ISSUER": programme.origin,
        "GATE": programme.origin,
        "ASSET": ASSET,
        "MODEL": "m",
    }
    exec(compile(snippet[1], str(PAGE), "exec"), told)  # noqa: S102  # the page's own code is what is tested
    assert told["reply"].output_text == told["message"].content[0].text == "hello"
    assert len(programme.scopes) == 2


@pytest.mark.parametrize("name", [name for name in vars(errors) if name[0].isupper() and name not in ("ClassVar",)])
def test_every_error_is_on_the_page(name):
    """A code that is shown to people is explained to people."""
    error = getattr(errors, name)
    assert error is SekishoError or error.code in PAGE.read_text("utf-8")
