"""How files are named as modules."""

from sekisho.taint.naming import is_public_name, module_names


def test_a_package_begins_at_its_outermost_folder():
    """Folders above the first `__init__.py` are where it was unpacked, not its name."""
    names = module_names(["dist/pkg/__init__.py", "dist/pkg/a.py", "dist/pkg/sub/__init__.py", "dist/pkg/sub/b.py"])
    assert names == {
        "dist/pkg/__init__.py": "pkg",
        "dist/pkg/a.py": "pkg.a",
        "dist/pkg/sub/__init__.py": "pkg.sub",
        "dist/pkg/sub/b.py": "pkg.sub.b",
    }


def test_a_file_outside_a_package_is_named_by_its_folders():
    """A leading src or lib is not part of the name."""
    assert module_names(["src/app/views.py", "tool.py"]) == {"src/app/views.py": "app.views", "tool.py": "tool"}


def test_one_underscore_is_private_two_on_each_side_are_not():
    """Python's own convention."""
    assert [is_public_name(name) for name in ("a", "_a", "__a", "__call__")] == [True, False, False, True]
