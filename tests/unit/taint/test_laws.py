"""What must not change a result: order, names, neighbours, lines, the process it was made in."""

import ast
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.taint import Mode, ModuleIR, analyze, analyze_modules, lower


def _program(all_twins):
    """All vulnerable twins as one program of many packages."""
    return {
        f"p{number}/{path}": text
        for number, pair in enumerate(all_twins)
        for path, text in {"__init__.py": b"", **pair.vulnerable}.items()
    }


def _bare(analysis):
    return [(f.rule_id, f.location.line, f.location.function, f.fingerprint) for f in analysis.findings]


@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_the_order_of_the_files_is_nothing(data, all_twins):
    """Whatever order the sources come in, the result is the same, byte for byte."""
    program = _program(all_twins[::6])
    shuffled = dict(data.draw(st.permutations(sorted(program.items()))))
    assert repr(analyze(shuffled)) == repr(analyze(program))


def test_the_seed_of_the_hash_is_nothing(tmp_path, all_twins):
    """Two processes with different hash seeds write the same text."""
    file = tmp_path / "program.pickle"
    file.write_bytes(pickle.dumps(_program(all_twins)))
    script = (
        "import pickle, sys, sekisho.taint as t;print(repr(t.analyze(pickle.loads(open(sys.argv[1], 'rb').read()))))"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", script, str(file)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1]
    assert texts[0].count(b"TaintFinding(") > 60


def test_modules_lowered_elsewhere_give_the_same(all_twins):
    """A module's IR survives pickling: it can be made in another process and kept."""
    program = _program(all_twins)
    lowered = [lower(path, data) for path, data in sorted(program.items())]
    kept = pickle.loads(pickle.dumps(lowered))  # noqa: S301 - our own bytes
    assert kept == lowered
    assert repr(analyze_modules(kept)) == repr(analyze(program))


class _Renamer(ast.NodeTransformer):
    """Gives every local variable of a function another name; parameters and globals keep theirs."""

    def visit_FunctionDef(self, node):
        taken = {arg.arg for arg in ast.walk(node) if isinstance(arg, ast.arg)}
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        defined = {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef)}
        captured = {n.name for n in ast.walk(node) if isinstance(n, ast.MatchAs) and n.name}
        outer = {name for n in ast.walk(node) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
        local = stored - taken - defined - captured - outer
        for name in ast.walk(node):
            if isinstance(name, ast.Name) and name.id in local:
                name.id = f"renamed_{name.id}"
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815


def test_renaming_local_variables_changes_nothing(twins):
    """Findings and fingerprints speak of code, not of what its author called things."""
    for text in twins.vulnerable.values():
        try:
            tree = ast.parse(text)
        except SyntaxError:
            pytest.skip("not the interpreter's Python")
    plain = {path: ast.unparse(ast.parse(text)).encode() for path, text in twins.vulnerable.items()}
    renamed = {path: ast.unparse(_Renamer().visit(ast.parse(text))).encode() for path, text in twins.vulnerable.items()}
    assert tree is not None
    assert _bare(analyze(renamed)) == _bare(analyze(plain))


def _unrelated(path):
    if path.endswith(".java"):
        return b"\nclass Unrelated { static Object unrelated(Object value) { Object total = value; return total; } }\n"
    return b"\ndef unrelated(value):\n    total = value\n    return [total]\n"


def test_an_unrelated_function_changes_nothing(twins):
    """What is added at the end of a file and calls nothing leaves the findings as they were."""
    added = {path: text + _unrelated(path) for path, text in twins.vulnerable.items()}
    assert _bare(analyze(added)) == _bare(analyze(twins.vulnerable))


def test_a_fingerprint_survives_lines_put_above(twins):
    """Lines move, fingerprints stay."""
    mark = {True: b"// a comment\n\n\n", False: b"# a comment\n\n\n"}
    moved = {path: mark[path.endswith(".java")] + text for path, text in twins.vulnerable.items()}
    before, after = analyze(twins.vulnerable).findings, analyze(moved).findings
    assert [f.fingerprint for f in after] == [f.fingerprint for f in before]
    assert [f.location.line for f in after] == [f.location.line + 3 for f in before]


def test_modes_split_what_both_finds(twins):
    """Each mode finds a part of what both together find, and says which it is."""
    both = {f.fingerprint for f in analyze(twins.vulnerable).findings}
    for mode in (Mode.LIBRARY, Mode.APPLICATION):
        found = analyze(twins.vulnerable, mode=mode).findings
        assert {f.fingerprint for f in found} <= both
        assert {f.mode for f in found} <= {mode}


def test_what_is_lowered_has_a_place(twins):
    """Each statement of the IR lies within its file."""
    for path, text in twins.vulnerable.items():
        lowered = lower(path, text)
        assert isinstance(lowered, ModuleIR)
        assert lowered.lines == text.count(b"\n")
        assert all(1 <= statement.at // 4096 <= lowered.lines for statement in lowered.body)
