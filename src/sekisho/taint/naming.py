"""How files are named as modules, and which names are public."""

_SOURCE_FOLDERS = frozenset({"src", "lib"})


def module_names(paths: list[str]) -> dict[str, str]:
    """Return the dotted module name of every path.

    A package begins at the outermost folder of an unbroken run of folders with `__init__.py`. A file outside any
    package is named by its folders, a leading `src` or `lib` left out.
    """
    packages = {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "__init__.py"}
    return {path: _module_name(path, packages) for path in paths}


def _module_name(path: str, packages: set[str]) -> str:
    folder, _, file = path.rpartition("/")
    stem = file.rpartition(".")[0] or file
    folders = folder.split("/") if folder else []
    start = len(folders)
    while start > 0 and "/".join(folders[:start]) in packages:
        start -= 1
    if start == len(folders):
        start = 1 if folders and folders[0] in _SOURCE_FOLDERS else 0
    parts = folders[start:] if stem == "__init__" else [*folders[start:], stem]
    return ".".join(parts) or stem


def is_public_name(name: str) -> bool:
    """Say whether `name` is public by convention: no leading underscore, or a special method's name."""
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))
