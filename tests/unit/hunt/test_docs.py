"""docs/hunt.md is true: its example runs, and every gap and error is in its tables."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from sekisho.findings import Gap
from sekisho.hunt import errors

PAGE = (Path(__file__).parents[3] / "docs" / "hunt.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_example_runs_as_it_is_told(tmp_path: Path) -> None:
    """The first command ends with 1 and the last with 0, as the page says; the others write their files."""
    (source,), (commands,) = _blocks("python"), _blocks("console")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "invoices.py").write_text(source)
    codes = []
    for line in commands.splitlines():
        words = shlex.split(line.removeprefix("$ sekisho "))
        run = subprocess.run(
            [sys.executable, "-m", "sekisho.cli.main", *words, "--jobs", "1"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in run.stderr
        codes.append(run.returncode)
    assert codes == [1, 0, 1, 0]
    assert (tmp_path / "shop.sarif").is_file()
    assert (tmp_path / "shop.json").is_file()


def test_every_gap_is_explained() -> None:
    """A report never uses a word that the page does not know."""
    assert all(f"| `{gap.value}` |" in PAGE for gap in Gap)


def test_every_error_is_explained() -> None:
    """Each code of the room has its row, and there is no row without one."""
    codes = {error.code for error in vars(errors).values() if getattr(error, "code", "").startswith("SKS-HUNT-")}
    assert set(re.findall(r"SKS-HUNT-\d{3}", PAGE)) == codes
