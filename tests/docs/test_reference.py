"""The pages that say what the program is, held against the program."""

import importlib.util
import inspect
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from sekisho.cli.main import app
from sekisho.core import Reason
from sekisho.ledger.report import Fault

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sekisho"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """`scripts/write-reference`, imported by its path."""
    loader = SourceFileLoader("write_reference", str(ROOT / "scripts" / "write-reference"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_a_code_says_one_thing(reference: ModuleType) -> None:
    """Except where an error carries the code of the gate's reason for it, which says the same thing."""
    classes = reference.error_classes()
    assert len(classes) > 80
    reasons = {reason.value for reason in Reason}
    counted = Counter(one.code for one in classes)
    twice = {code: [one.__name__ for one in classes if one.code == code] for code, n in counted.items() if n > 1}
    assert {code: names for code, names in twice.items() if code not in reasons} == {}


def test_a_code_names_the_room_it_comes_from(reference: ModuleType) -> None:
    """So that whoever sees one knows where to look."""
    for one in reference.error_classes():
        room = one.__module__.split(".")[1]
        assert re.fullmatch(rf"SKS-{room.upper()}-\d{{3}}", one.code) or one.code in {r.value for r in Reason}, one


def test_every_error_says_what_happened_and_what_to_do(reference: ModuleType) -> None:
    """A sentence and a way out each; a hint that is made for the case is tested where it is made."""
    for one in reference.error_classes():
        if isinstance(one.hint, str):
            assert inspect.getdoc(one), one
            assert len(one.hint.split()) > 2, (one, one.hint)


@pytest.mark.parametrize("name", ["errors.md", "reasons.md"])
def test_the_page_is_what_the_code_says(reference: ModuleType, name: str) -> None:
    """Run scripts/write-reference after changing an error or a reason."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == reference.PAGES[name]()


def test_every_decision_is_listed_and_every_listed_one_is_there() -> None:
    """With the title that its page has."""
    listed = dict(
        re.findall(r"^\| \[\d+\]\(([^)]+)\) \| (.+) \|$", (ROOT / "docs/adr/README.md").read_text(), re.MULTILINE)
    )
    pages = {page.name: page for page in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert sorted(listed) == sorted(pages)
    for name, title in listed.items():
        heading = pages[name].read_text().splitlines()[0]
        assert title.rstrip(".") in heading, (name, heading)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_relative)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that is in it."""
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{_relative(page)}: {target}"
        if anchor and file.suffix == ".md":
            assert anchor in _anchors(file), f"{_relative(page)}: {target}"


def _sources() -> Iterator[Path]:
    yield from sorted(SOURCE.rglob("*.py"))
    yield from sorted((ROOT / "scripts").iterdir())


def test_every_page_that_the_code_names_is_there() -> None:
    """Hints send people to pages."""
    named = {
        (_relative(path), name)
        for path in _sources()
        for name in re.findall(r"\bdocs/[\w/.-]+?\.md\b", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 5
    assert [pair for pair in sorted(named) if not (ROOT / pair[1]).is_file()] == []


def _rooms_of_the_map() -> list[str]:
    return re.findall(
        r"^\| `(\w+)` \|", (ROOT / "docs/architecture.md").read_text().split("## The map")[1], re.MULTILINE
    )


def test_the_map_shows_the_rooms_that_there_are() -> None:
    """One row each, and each is a package of its own."""
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert sorted(_rooms_of_the_map()) == sorted(rooms)
    assert [room for room in rooms if not (SOURCE / room / "__init__.py").is_file()] == []


def test_every_file_of_the_walk_is_there() -> None:
    """docs/architecture.md walks a call file by file."""
    text = (ROOT / "docs/architecture.md").read_text()
    named = re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?)`", text)
    assert len(named) > 20
    for name in named:
        assert (SOURCE / name).exists() or (ROOT / name).exists(), name
    for dotted in re.findall(r"`sekisho\.([a-z_.]+)`", text):
        path = SOURCE / dotted.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), dotted


def _leaves() -> dict[str, Any]:
    waiting: list[tuple[str, Any]] = [("sekisho", typer.main.get_command(app))]
    leaves = {}
    while waiting:
        words, command = waiting.pop()
        children = getattr(command, "commands", None)
        if children is None:
            leaves[words] = command
        else:
            waiting.extend((f"{words} {name}", child) for name, child in children.items())
    return leaves


LEAVES = _leaves()


def test_docs_cli_lists_exactly_the_commands_that_there_are() -> None:
    """No more, no fewer, each once."""
    rows = re.findall(r"^\| `(sekisho [^`]+)` \|", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    listed = [re.sub(r" [A-Z]+$", "", row) for row in rows]
    assert sorted(listed) == sorted(LEAVES)


def test_the_exit_codes_listed_are_those_that_errors_end_with(reference: ModuleType) -> None:
    """docs/cli.md has each once."""
    section = (ROOT / "docs/cli.md").read_text().split("## Exit codes")[1].split("##")[0]
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]
    assert len(set(listed)) == len(listed)
    assert {one.exit_code for one in reference.error_classes()} <= set(listed)


def _command_lines() -> Iterator[tuple[str, str]]:
    """Yield page and line for each `$ sekisho …` in a fence, continuation lines joined."""
    for page in PAGES:
        for _, block in FENCE.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ sekisho"):
                    yield _relative(page), line.removeprefix("$ ")


LINES = sorted(set(_command_lines()))


def test_there_are_command_lines_to_check() -> None:
    """It must not have become a check of none."""
    assert len(LINES) > 8


@pytest.mark.parametrize(("page", "line"), LINES, ids=[line[:60] for _, line in LINES])
def test_every_command_line_in_the_docs_can_be_typed(page: str, line: str) -> None:
    """The command exists, and takes these options and this many arguments."""
    words = shlex.split(line.split(" > ")[0].split(" | ")[0], comments=True)
    name = max((leaf for leaf in LEAVES if words[: len(leaf.split())] == leaf.split()), key=len, default=None)
    if name is None:
        assert words[1:] in ([], ["--help"], ["--version"]), f"{page}: no such command: {line}"
        return
    command = LEAVES[name]
    options = {
        spelled: p for p in command.params for spelled in (*p.opts, *p.secondary_opts) if spelled.startswith("-")
    }
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    rest, given, positional = words[len(name.split()) :], set(), 0
    while rest:
        word = rest.pop(0)
        spelled, _, inline = word.partition("=")
        if not word.startswith("-"):
            positional += 1
        elif spelled not in ("--help", "-h"):
            assert spelled in options, f"{page}: {name} has no {spelled}"
            given.add(options[spelled].name)
            if not options[spelled].is_flag and not inline:
                assert rest, f"{page}: {line}: nothing after {spelled}"
                rest.pop(0)
    if "--help" not in words:
        assert sum(p.required for p in arguments) <= positional <= len(arguments), f"{page}: {line}"
        missing = [p.opts[0] for p in options.values() if p.required and p.name not in given]
        assert missing == [], f"{page}: {line}"


def test_every_setting_of_the_environment_is_in_the_help() -> None:
    """Names that begin with SEKISHO_ in code are told to the user somewhere."""
    named = {
        name
        for path in sorted(SOURCE.rglob("*.py"))
        for name in re.findall(r"\bSEKISHO_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    told = " ".join(page.read_text() for page in PAGES)
    shown = {p.envvar for command in LEAVES.values() for p in command.params if getattr(p, "envvar", None)}
    assert [name for name in sorted(named) if name not in told and name not in shown] == []


def test_every_word_of_a_verification_is_explained() -> None:
    """docs/ledger-reading.md: each fault that `verify` can name has a row, and no other has."""
    page = (ROOT / "docs" / "ledger-reading.md").read_text()
    rows = page.partition("| word | what it means | 意味 |")[2].partition("\n\n")[0]
    named = [word for row in rows.splitlines()[2:] for word in re.findall(r"`([a-z-]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(fault.value for fault in Fault)
