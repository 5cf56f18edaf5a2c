"""What names mean across files."""

import pytest

from sekisho.taint import ModuleIR, lower
from sekisho.taint.program import Class, Function, Module, Program


def program(files: dict[str, str]) -> Program:
    lowered = [lower(path, text.encode()) for path, text in files.items()]
    return Program(module for module in lowered if isinstance(module, ModuleIR))


def test_a_reexport_is_followed_to_its_definition():
    """from . import names leads to the function itself, through as many files as it takes."""
    made = program(
        {
            "p/__init__.py": "from .a import f as g\n",
            "p/a.py": "from p.b import *\n",
            "p/b.py": "def f(): pass\n",
            "p/c.py": "import p\n",
        }
    )
    module = made.find_module("p.c", made.modules[0])
    assert module is not None
    found = made.resolve(module, "p.g")
    assert isinstance(found, Function)
    assert found.name == "p.b.f"


def test_a_circle_of_imports_ends():
    """Two files that import a name from each other define nothing, and say so."""
    made = program({"p/__init__.py": "", "p/a.py": "from .b import f\n", "p/b.py": "from .a import f\n"})
    assert made.resolve(made.modules[1], "f") is None


def test_a_circle_of_classes_ends():
    """Broken code may inherit from itself."""
    made = program({"a.py": "class A(B): pass\nclass B(A): pass\nclass C(C): pass\n"})
    assert all(isinstance(found, Class) for found in made.classes)
    assert [found.find("missing") for found in made.classes] == [None, None, None]


def test_what_is_outside_keeps_its_dotted_name():
    """Foreign names are what knowledge speaks of."""
    made = program({"a.py": "import os.path as p\nfrom subprocess import run\n"})
    assert made.resolve(made.modules[0], "p.join") == "os.path.join"
    assert made.resolve(made.modules[0], "run") == "subprocess.run"


@pytest.mark.parametrize(
    ("files", "public"),
    [
        ({"p/__init__.py": "", "p/a.py": "def f(): pass\n"}, True),
        ({"p/__init__.py": "", "p/_a.py": "def f(): pass\n"}, False),
        ({"p/__init__.py": "from ._a import f\n", "p/_a.py": "def f(): pass\n"}, True),
        ({"p/__init__.py": "", "p/a.py": "def _g():\n    def f(): pass\n"}, False),
    ],
)
def test_public_is_what_can_be_named_from_outside(files, public):
    """Private modules, private names and inner functions are private, unless something public exports them."""
    made = program(files)
    found = next(function for function in made.functions if function.definition.name == "f")
    assert made.is_public(found) is public


def test_a_module_is_found_by_the_end_of_its_name_if_there_is_one():
    """An application that runs from a folder imports its files by short names."""
    made = program({"app/main.py": "import tools\n", "app/tools.py": "def f(): pass\n"})
    assert isinstance(made.resolve(made.modules[0], "tools"), Module)
