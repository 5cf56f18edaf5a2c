"""Whatever can be named on a command line becomes a survey."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from sekisho.hunt import ArchiveRefused, survey_target


def test_a_wheel_is_read_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The survey is named after the release; its metadata folder is left out, the scratch folder gone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    wheel = tmp_path / "some_name-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some_name/__init__.py", "x = 1\n")
        archive.writestr("some_name-1.0.dist-info/METADATA", "")
    found = survey_target(wheel)
    assert found.name == "some_name-1.0"
    assert [source.path for source in found.sources] == ["some_name/__init__.py"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_is_a_folder_even_if_it_is_called_a_wheel(tree: Any) -> None:
    """Only a file is an archive."""
    assert survey_target(tree({"x.whl/a.py": ""}) / "x.whl").sources


def test_a_wheel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The refusal is a coded one."""
    with pytest.raises(ArchiveRefused):
        survey_target(tmp_path / "absent-1.0-py3-none-any.whl")
