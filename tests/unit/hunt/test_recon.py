"""Recon reads what it should, nothing else, and says what it left out."""

import os
from pathlib import Path
from typing import Any

import pytest

from sekisho.findings import Gap
from sekisho.hunt import Limits, NothingToHunt, Survey, TargetRefused, survey


def _read(found: Survey) -> list[str]:
    return [source.path for source in found.sources]


def _gaps(found: Survey) -> dict[str, Gap]:
    return {gap.path: gap.gap for gap in found.not_analyzed}


def test_sources_are_read_in_order_of_path(tree: Any) -> None:
    """The survey does not depend on the file system's order."""
    found = survey(tree({"b.py": "b", "a/c.py": "c", "a.py": "a", "a/a.py": "aa"}))
    assert _read(found) == sorted(["b.py", "a/c.py", "a.py", "a/a.py"])
    assert found.sources[1].data in (b"a", b"aa")
    assert found.name == "target"


def test_what_is_left_out_by_name_is_reported(tree: Any) -> None:
    """Tests, documentation, vendored code and hidden folders are gaps, not silence."""
    found = survey(
        tree(
            {
                "app/a.py": "",
                "tests/t.py": "",
                "app/test_a.py": "",
                "docs/conf.py": "",
                "app/_vendor/v.py": "",
                ".venv/x.py": "",
            }
        )
    )
    assert _read(found) == ["app/a.py"]
    assert _gaps(found) == dict.fromkeys(["tests/", "app/test_a.py", "docs/", "app/_vendor/", ".venv/"], Gap.EXCLUDED)


def test_a_folder_that_is_named_is_read_whatever_it_is_called(tree: Any) -> None:
    """The names that are left out are those below the root."""
    assert _read(survey(tree({"tests/t.py": "", "a.py": ""}) / "tests")) == ["t.py"]


def test_no_pattern_left_out_reads_all(tree: Any) -> None:
    """The list is the caller's."""
    assert _read(survey(tree({"tests/t.py": "", "a.py": ""}), excludes=())) == ["a.py", "tests/t.py"]


def test_code_in_other_languages_is_counted(tree: Any) -> None:
    """Files that no engine reads are in the report; pictures and text are not code."""
    found = survey(tree({"a.py": "", "x.js": "", "y.js": "", "z.go": "", "logo.png": "", "README.md": ""}))
    assert [(other.suffix, other.count) for other in found.other_files] == [(".go", 1), (".js", 2)]


def test_links_are_never_followed(tree: Any, tmp_path: Path) -> None:
    """A link to a file or folder outside is a gap; a link loop ends nothing."""
    (tmp_path / "secret.py").write_text("password")
    root = tree({"a.py": ""})
    (root / "out.py").symlink_to(tmp_path / "secret.py")
    (root / "up").symlink_to(tmp_path)
    (root / "loop").symlink_to(root)
    (root / "dangling.py").symlink_to(root / "nothing")
    found = survey(root)
    assert _read(found) == ["a.py"]
    assert _gaps(found) == dict.fromkeys(["dangling.py", "loop", "out.py", "up"], Gap.LINK)


def test_what_is_no_regular_file_is_not_opened(tree: Any) -> None:
    """A named pipe would keep the hunt waiting for ever."""
    root = tree({"a.py": ""})
    os.mkfifo(root / "pipe.py")
    assert _gaps(survey(root)) == {"pipe.py": Gap.UNREADABLE}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_a_gap(tree: Any) -> None:
    """A file or folder without permission is reported."""
    root = tree({"a.py": "", "b.py": "", "c/d.py": ""})
    (root / "b.py").chmod(0)
    (root / "c").chmod(0)
    assert _gaps(survey(root)) == {"b.py": Gap.UNREADABLE, "c/": Gap.UNREADABLE}
    (root / "c").chmod(0o700)


def test_limits_make_gaps_not_silence(tree: Any) -> None:
    """Every limit that is reached is in the report."""
    root = tree({"a.py": "x" * 50, "b.py": "x" * 101, "c.py": "x" * 90, "d.py": "x", "e/f/g.py": "x"})
    found = survey(root, limits=Limits(file_bytes=100, total_bytes=120, files=2, depth=1))
    assert _read(found) == ["a.py", "d.py"]
    assert _gaps(found) == {"b.py": Gap.TOO_LARGE, "c.py": Gap.TOO_MANY, "e/f/": Gap.TOO_MANY}
    many = survey(root, limits=Limits(files=1))
    assert _gaps(many) == dict.fromkeys(["b.py", "c.py", "d.py", "e/f/g.py"], Gap.TOO_MANY)


def test_a_folder_with_too_many_entries_is_a_gap(tree: Any) -> None:
    """A tree of endless entries ends the walk, not the hunt."""
    root = tree({"a.py": "", **{f"y/{n}.txt": "" for n in range(9)}, "z/b.py": ""})
    assert _gaps(survey(root, limits=Limits(entries=5))) == {"y/": Gap.TOO_MANY, "z/": Gap.TOO_MANY}


def test_a_module_has_one_path_whichever_folder_is_named(tree: Any) -> None:
    """Naming the package, a part of it, or the folder around gives the same paths, so the same fingerprints."""
    root = tree({"pkg/__init__.py": "", "pkg/sub/__init__.py": "", "pkg/sub/m.py": ""})
    assert "pkg/sub/m.py" in _read(survey(root))
    assert "pkg/sub/m.py" in _read(survey(root / "pkg"))
    assert _read(survey(root / "pkg" / "sub")) == ["pkg/sub/__init__.py", "pkg/sub/m.py"]
    assert _read(survey(root / "pkg" / "sub" / "m.py")) == ["pkg/sub/m.py"]


@pytest.mark.parametrize("name", ["a\x1b[2J.py", "e\u0301.py", "a\\b.py", os.fsdecode(b"\xff.py")])
def test_a_name_that_cannot_be_told_is_a_gap_with_a_safe_name(tree: Any, name: str) -> None:
    """A hostile name never reaches a terminal or a report, and its file is not read in silence."""
    found = survey(tree({"a.py": "", name: ""}))
    assert _read(found) == ["a.py"]
    assert list(_gaps(found).values()) == [Gap.NAME_UNUSABLE]


def test_nothing_to_read_is_its_own_error(tree: Any) -> None:
    """No source is not the same as no finding: exit code 3."""
    for files in ({"README.md": ""}, {"tests/t.py": ""}):
        with pytest.raises(NothingToHunt) as refused:
            survey(tree(files))
        assert refused.value.exit_code == 3


@pytest.mark.parametrize("name", ["absent", "text.txt", "nul\0"])
def test_a_target_that_cannot_be_hunted_is_refused(tree: Any, name: str) -> None:
    """What is not there, or no source, is a usage error."""
    with pytest.raises(TargetRefused):
        survey(tree({"text.txt": ""}) / name)


def test_templates_are_read_where_they_are_templates(tmp_path):
    """An HTML file below a folder `templates`, and a suffix of Jinja's own; other HTML is counted."""
    for name in ("app/templates/page.html", "app/conf.j2", "static/page.html", "templates/app.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    found = survey(tmp_path)
    assert [source.path for source in found.sources] == ["app/conf.j2", "app/templates/page.html", "templates/app.py"]
    assert [(other.suffix, other.count) for other in found.other_files] == [(".html", 1)]
