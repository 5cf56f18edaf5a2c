"""`sekisho demo`: the whole programme on this machine, act by act."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from sekisho.server.demo.story import Act, Played


def demo(
    data: Annotated[Path, typer.Option("--data", help="A new or empty folder for all that the demo makes.")] = Path(
        "demo-data"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Clear what an earlier demo left in the folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Play the programme from charter to proof on loopback; exit 1 if any act fails."""
    from sekisho.server.demo.run import play

    screen = Console(stderr=as_json, highlight=False)

    def begin(act: "Act") -> None:
        screen.print(f"[bold]{act.name}[/bold]: {escape(act.shows)} …", soft_wrap=True)

    def end(played: "Played") -> None:
        screen.print(f"  {_outcome(played)} in {played.seconds:.1f} s")
        for line in _lines(played.to_dict()["facts"], indent="  "):
            screen.print(escape(line), soft_wrap=True)

    acts = play(data, fresh=fresh, on_begin=begin, on_end=end)
    ok = all(act.ok for act in acts)
    if as_json:
        shown = {"ok": ok, "data_dir": str(data.resolve()), "acts": [act.to_dict() for act in acts]}
        print(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        _show_end(screen, data.resolve(), acts)
    raise typer.Exit(0 if ok else 1)


def _show_end(screen: Console, data: Path, acts: "tuple[Played, ...]") -> None:
    table = Table(title="What was proved", title_justify="left")
    for column in ("act", "outcome", "seconds"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for act in acts:
        table.add_row(act.name, _outcome(act), f"{act.seconds:.1f}")
    screen.print()
    screen.print(table)
    facts = {name: fact for act in acts for name, fact in act.facts.items()}
    for label, name in (("findings (SARIF)", "sarif"), ("notice (open it in a browser)", "notice_for_people")):
        if name in facts:
            shown = facts[name] if isinstance(facts[name], str) else ", ".join(facts[name])
            screen.print(f"{label}: {escape(shown)}", soft_wrap=True)
    screen.print(f"all that it left: {escape(str(data))}", soft_wrap=True)
    command = _command()
    for line in (f"ledger verify {data}/ledger --charter {data}/charter.json", "hunt PATH-TO-YOUR-OWN-CODE"):
        screen.print(f"next: {escape(f'{command} {line}')}", soft_wrap=True)
    screen.print("      docs/operating.md does the same by hand, command by command", soft_wrap=True)


def _command() -> str:
    """Return how this shell can call the program again: `make demo` runs it from a folder that is not on the path."""
    called = Path(sys.argv[0])
    here = Path.cwd()
    if not called.is_absolute() or called.name != "sekisho":
        return "sekisho"
    return str(called.relative_to(here) if called.is_relative_to(here) else called)


def _outcome(act: "Played") -> str:
    return "proved" if act.ok else "SKIPPED" if "skipped" in act.facts else "FAILED"


def _lines(facts: Mapping[str, Any], *, indent: str) -> Iterator[str]:
    """Yield `facts` for people: one a line, what is nested indented."""
    for name, fact in facts.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(fact, Mapping):
            yield f"{label}:"
            yield from _lines(fact, indent=indent + "  ")
        elif isinstance(fact, list | tuple):
            yield f"{label}: {', '.join(map(str, fact))}"
        else:
            yield f"{label}: { ({True: 'yes', False: 'no'}.get(fact, fact) if isinstance(fact, bool) else fact) }"
