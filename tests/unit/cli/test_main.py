"""The command line's contract (docs/cli.md): exit codes, streams, errors; and never a traceback."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.cli import main as main_module
from sekisho.cli import output
from sekisho.cli.main import app, main
from sekisho.core import SekishoError
from sekisho.formats import dsse

Sekisho = Callable[..., "subprocess.CompletedProcess[bytes]"]
ERROR = re.compile(r"error\[(SKS-[A-Z]+-\d{3})\]: (.+)\nhint: (.+)\n", re.DOTALL)


def _commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command's words and its definition."""
    root = typer.main.get_command(app)
    waiting: list[tuple[tuple[str, ...], Any]] = [((), root)]
    while waiting:
        words, command = waiting.pop()
        yield words, command
        for name, child in getattr(command, "commands", {}).items():
            waiting.append(((*words, name), child))


COMMANDS = sorted(_commands(), key=lambda item: item[0])


def _main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run `main` in this process; return exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["sekisho", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    return lambda *arguments: _main(monkeypatch, capsys, *arguments)


def _is_error(err: str, code: str) -> bool:
    match = ERROR.fullmatch(err)
    return match is not None and match[1] == code


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) or "sekisho" for words, _ in COMMANDS])
def test_help_of_every_command_names_all_that_it_takes(words: tuple[str, ...], command: Any) -> None:
    """On stdout, with every option spelled as it is taken, and a sentence on what it does."""
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert command.help
    for parameter in command.params:
        for spelled in parameter.opts:
            if spelled.startswith("-"):
                assert spelled in shown.stdout, spelled
            assert getattr(parameter, "help", None) or spelled.startswith("-"), spelled


def test_the_walk_is_over_all_commands() -> None:
    """It must not have become a walk over none."""
    assert len(COMMANDS) > 40


def test_the_version_is_the_packages(cli: Any) -> None:
    """One line on stdout."""
    code, out, err = cli("--version")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"sekisho \d+\.\d+\.\d+\S*\n", out)


@pytest.mark.parametrize("arguments", [(), ("hold",), ("ledger",)])
def test_a_command_line_without_a_verb_shows_the_help_and_no_empty_error(cli: Any, arguments: tuple[str, ...]) -> None:
    """2: nothing was asked for."""
    code, out, err = cli(*arguments)
    assert (code, err) == (2, "")
    assert "Usage: sekisho" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("hold", "nothing"),
        ("--nothing",),
        ("ledger", "verify"),
        ("ledger", "verify", "a", "b"),
        ("serve",),
        ("serve", "--data"),
        ("serve", "--data", "d", "--gate-port", "x"),
        ("hunt", ".", "--jobs", "0"),
        ("hunt", ".", "--format", "nothing"),
        ("document", "sign", "x", "--kind", "nothing", "--party", "a", "--key", "k"),
        ("accord", "submit", "no-such-file", "--data", "d"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_a_usage_error(cli: Any, arguments: tuple[str, ...]) -> None:
    """2, SKS-CLI-002, nothing on stdout."""
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert _is_error(err, "SKS-CLI-002"), err


@pytest.mark.parametrize("exit_code", [1, 2, 3, 4])
def test_an_error_of_ours_ends_with_its_own_exit_code(
    cli: Any, monkeypatch: pytest.MonkeyPatch, exit_code: int
) -> None:
    """Code, message, hint on stderr; nothing on stdout."""

    class Refused(SekishoError):
        """For tests alone."""

        code = "SKS-TEST-001"

    Refused.exit_code = exit_code
    _raising(monkeypatch, Refused("no", hint="do"))
    assert cli("x") == (exit_code, "", "error[SKS-TEST-001]: no\nhint: do\n")


def _raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make every command raise `error`."""

    def run(**_more: Any) -> None:
        raise error

    monkeypatch.setattr(main_module, "app", run)


def _undecodable() -> UnicodeDecodeError:
    return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "Permission denied", "out.sarif"), "SKS-CLI-003"),
        (OSError(28, "No space left on device"), "SKS-CLI-003"),
        (IsADirectoryError(21, "Is a directory", "d"), "SKS-CLI-003"),
        (_undecodable(), "SKS-CLI-004"),
        (json.JSONDecodeError("no", "{", 1), "SKS-CLI-004"),
        (RecursionError(), "SKS-CLI-004"),
        (ModuleNotFoundError("No module named 'sqlalchemy.orm'", name="sqlalchemy.orm"), "SKS-CLI-001"),
    ],
)
def test_foreign_errors_are_told_as_ours(
    cli: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: str
) -> None:
    """A full disk, a file that is not text, a package that is absent: no traceback."""
    _raising(monkeypatch, error)
    exit_code, out, err = cli("x")
    assert (exit_code, out) == (2, "")
    assert _is_error(err, code), err


def test_an_interrupt_ends_quietly_with_130(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells count it."""
    _raising(monkeypatch, KeyboardInterrupt())
    assert cli("x") == (130, "", "")


def test_a_module_of_ours_that_is_absent_is_a_bug_and_shown_as_one(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """To tell the user to install an extra would hide it."""
    _raising(monkeypatch, ModuleNotFoundError("No module named 'sekisho.nothing'", name="sekisho.nothing"))
    monkeypatch.setattr(sys, "argv", ["sekisho", "x"])
    with pytest.raises(ModuleNotFoundError):
        main()


# In a process of its own.


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("serve", "--data", "d"), "server"),
        (("hold", "list", "--data", "d"), "server"),
        (("demo", "--data", "d"), "server"),
        (("principal", "keygen", "--out", "k"), "sidecar"),
    ],
)
def test_an_extra_that_is_missing_is_named_with_the_line_to_type(
    sekisho: Sekisho, tmp_path: Path, arguments: tuple[str, ...], extra: str
) -> None:
    """And nothing was made before it was found missing."""
    ended = sekisho(*arguments, base=True)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert _is_error(ended.stderr.decode(), "SKS-CLI-001"), ended.stderr
    assert f"pip install 'sekisho[{extra}]'" in ended.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_the_base_install_makes_keys_and_shows_documents(sekisho: Sekisho, tmp_path: Path) -> None:
    """A party needs no server to sign."""
    made = sekisho("party", "keygen", "--party", "home-gov", "--out", "k.pem", "--json", base=True)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["party"] == "home-gov"
    hold = {
        "id": "hld_1",
        "programme": "p.example",
        "placed_by": "home-gov",
        "target": {"kind": "lab", "id": "lab-a"},
        "basis": "鍵が公開されていたため。",
        "placed_at": "2026-11-22T09:00:00.000000Z",
        "lapses_at": "2026-11-22T10:00:00.000000Z",
    }
    envelope = dsse.sign(dsse.seal("hold", hold), party="home-gov", key=Ed25519PrivateKey.generate())
    (tmp_path / "h.json").write_bytes(dsse.encode(envelope))
    shown = sekisho("document", "show", "h.json", "--json", base=True)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["payload"] == hold


def test_the_base_install_hunts(sekisho: Sekisho, tmp_path: Path) -> None:
    """`sekisho hunt .` works on the base alone."""
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n")
    hunted = sekisho("hunt", ".", "--jobs", "1", "--format", "json", base=True)
    assert hunted.returncode == 0, hunted.stderr
    assert json.loads(hunted.stdout)["findings"] == []


def test_the_base_install_verifies_a_ledger(sekisho: Sekisho, tmp_path: Path) -> None:
    """0 verified, 1 something is wrong, 2 no ledger there."""
    from datetime import UTC, datetime

    from sekisho.core import SteadyClock
    from sekisho.ledger import Entry, EntryKind, Log

    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    log = Log.open(
        store=tmp_path / "s.db",
        public=tmp_path / "d" / "ledger" / "decisions",
        origin="p.example/decisions",
        key=Ed25519PrivateKey.generate(),
        clock=SteadyClock(at),
    )
    body = {"version": 0, "snapshot_sha256": "0" * 64}
    log.append(Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=at, id=f"ent_{'0' * 26}", body=body)).result()
    log.close()
    good = sekisho("ledger", "verify", "d", base=True)
    assert good.returncode == 0, good.stderr
    assert b"self-consistent only" in good.stdout
    bundle = next(path for path in (tmp_path / "d").rglob("*") if path.is_file() and "entries" in str(path))
    bundle.write_bytes(bytes(byte ^ 1 for byte in bundle.read_bytes()))
    bad = sekisho("ledger", "verify", "d", base=True)
    assert (bad.returncode, b"Traceback" in bad.stderr) == (1, False)
    assert b"NOT VERIFIED" in bad.stdout
    absent = sekisho("ledger", "verify", "nothing", base=True)
    assert (absent.returncode, absent.stdout) == (2, b"")
    assert _is_error(absent.stderr.decode(), "SKS-LEDGER-020")


def test_nobody_serving_is_said_with_how_to_begin(sekisho: Sekisho) -> None:
    """SKS-API-101 and the line to type."""
    ended = sekisho("grant", "list", "--data", "d")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert _is_error(ended.stderr.decode(), "SKS-API-101")
    assert b"sekisho serve --data" in ended.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("hunt", ".", "--format", "json", "--jobs", "1")])
def test_a_reader_who_has_seen_enough_is_no_error(sekisho: Sekisho, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """`| head`: nothing on stderr but progress, no traceback of Python's at the end."""
    (tmp_path / "a.py").write_text("x = 1\n")
    read, write = os.pipe()
    os.close(read)
    try:
        ended = sekisho(*arguments, stdout=write)
    finally:
        os.close(write)
    assert b"Traceback" not in ended.stderr
    assert b"Exception ignored" not in ended.stderr
    assert b"BrokenPipe" not in ended.stderr
    assert ended.returncode in (1, 141)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("--version",), ("party", "keygen", "--party", "a", "--out", "k", "--json")])
def test_output_that_cannot_be_written_is_an_error_of_ours(sekisho: Sekisho, arguments: tuple[str, ...]) -> None:
    """2: a script must not take half an output for a whole one."""
    with open("/dev/full", "wb") as full:
        ended = sekisho(*arguments, stdout=full)
    assert ended.returncode == 2
    assert _is_error(ended.stderr.decode(), "SKS-CLI-003"), ended.stderr


def test_a_terminal_without_the_characters_gets_their_numbers(sekisho: Sekisho) -> None:
    """An ASCII terminal is no reason to fail after the work is done."""
    ended = sekisho("hunt", "--help", env={"PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 0, ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"{", b"[" * 99_999, b'{"a": NaN}'])
def test_files_that_are_not_what_they_should_be_are_errors(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    """Every command that reads one; there is no server, and none is needed to say so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(content)
    for arguments in (
        ("document", "show", "f"),
        ("document", "sign", "f", "--kind", "hold", "--party", "a", "--key", "f"),
        ("ledger", "verify", ".", "--charter", "f"),
        ("principal", "enrol", "--data", "d", "--institution", "i", "--kind", "person", "--name", "n", "--key", "f"),
    ):
        code, out, err = cli(*arguments)
        assert (code, out) == (2, ""), (arguments, err)
        assert ERROR.fullmatch(err), (arguments, err)


# What is shown.


HOSTILE = "a\x1b[2Jb\u202ec\nd\x9be\u200bf [red]g[/red]"


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("value", [{"name": HOSTILE}, [{"name": HOSTILE}], {"list": [HOSTILE]}], ids=str)
def test_what_strangers_wrote_cannot_act_on_the_terminal(
    capsys: pytest.CaptureFixture[str], value: Any, as_json: bool
) -> None:
    """No escape, no direction mark, no line of its own, no markup; Japanese and its wide space stay as they are."""
    output.show(value, as_json=as_json)
    shown = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "[red]g[/red]" in shown
    if as_json:
        assert json.loads(shown) == value
    output.show({"name": "株式会社\u3000見本"}, as_json=as_json)
    assert "株式会社\u3000見本" in capsys.readouterr().out


def test_what_an_error_quotes_cannot_act_on_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message repeats a name out of a file, or what a server answered."""

    def refuse(**_: Any) -> None:
        raise SekishoError(HOSTILE)

    monkeypatch.setattr(main_module, "app", refuse)
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().err
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "[red]g[/red]" in shown


def test_an_empty_list_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """People get words, programs get a list."""
    output.show([], as_json=False)
    assert capsys.readouterr() == ("", "nothing here yet\n")
    output.show([], as_json=True)
    assert json.loads(capsys.readouterr().out) == []
