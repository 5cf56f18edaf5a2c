"""A run with a cache says what a run without one says."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho import taint
from sekisho.findings import Mode
from sekisho.hunt import Cache, Look, Source, TaintEngine
from sekisho.hunt.engines.memory import Memory, engine_digest
from sekisho.hunt.progress import ignore_progress
from sekisho.taint.errors import KnowledgeRefused
from sekisho.taint.knowledge.parse import FORMAT

HELPER = "import os\n\n\ndef run(text):\n    os.system('show ' + text)\n"
VIEW = "from helper import run\n\n\ndef show(name):\n    「 = 1\n    run(name)\n"
PAGE = "<p>{{ name|safe }}</p>"
# Edits of the program: each changes what there is to say, or only where it is said, or nothing.
EDITS = {
    "helper.py": [HELPER, HELPER.replace("'show ' + text", "'show'"), HELPER + "\n\ndef more():\n    pass\n", "x ="],
    "view.py": [VIEW, "\n" + VIEW, VIEW.replace("run(name)", "run('x')"), "\0"],
    "templates/page.html": [PAGE, "<p>{{ name }}</p>", "{{ name"],
}


def _sources(texts: dict[str, str]) -> tuple[Source, ...]:
    return tuple(Source(path=path, data=text.encode()) for path, text in sorted(texts.items()))


def _look(texts: dict[str, str], cache: Cache | None = None, **options: Any) -> Look:
    engine = TaintEngine(cache=cache, **options)
    return engine.look(_sources(texts), mode=Mode.BOTH, on_progress=ignore_progress)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries({name: st.sampled_from(texts) for name, texts in EDITS.items()}), max_size=4))
def test_after_any_edits_the_result_is_that_of_a_cold_run(tmp_path: Path, versions: list[dict[str, str]]) -> None:
    """The cache is filled by every version and asked about the next; and asked again when nothing has changed."""
    cache = Cache(tmp_path / "cache")
    for texts in versions:
        cold = _look(texts)
        assert _look(texts, cache) == cold
        assert _look(texts, cache) == cold


def test_what_did_not_change_is_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of two was edited: one is lowered. Nothing was edited: nothing is lowered, nothing analysed."""
    cache = Cache(tmp_path / "cache")
    _look({"helper.py": HELPER, "view.py": VIEW}, cache)
    lowered: list[str] = []
    real = taint.lower

    def noted(path: str, data: bytes) -> Any:
        lowered.append(path)
        return real(path, data)

    edited = {"helper.py": HELPER, "view.py": VIEW + "\n"}
    monkeypatch.setattr(
        "sekisho.hunt.engines.taint.lower_all",
        lambda sources, *, jobs, on_done: tuple(noted(source.path, source.data) for source in sources),
    )
    _look(edited, cache)
    assert lowered == ["view.py"]
    _look(edited, cache)
    assert lowered == ["view.py"]


def test_mode_and_rules_are_part_of_the_question(tmp_path: Path) -> None:
    """What was said in one mode, or with other rules, is no answer."""
    cache, texts = Cache(tmp_path / "cache"), {"view.py": "import runner\n\n\ndef show(name):\n    runner.go(name)\n"}
    rules = {
        "/r.toml": f'format = "{FORMAT}"\n[[sink]]\nrule = "code-execution"\ncalls = ["runner.go"]\narguments = ["*"]\n'
    }
    assert not _look(texts, cache).claims
    assert len(_look(texts, cache, rules=rules).claims) == 1
    engine = TaintEngine(cache=cache, rules=rules)
    assert not engine.look(_sources(texts), mode=Mode.APPLICATION, on_progress=ignore_progress).claims


def test_rules_that_say_nothing_that_we_know_are_refused() -> None:
    """Before anything is read of the target."""
    with pytest.raises(KnowledgeRefused):
        TaintEngine(rules={"/r.toml": f'format = "{FORMAT}"\n[[sinks]]\n'})


class _Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("made-by-a-pickle",)


def test_a_pickle_makes_nothing_but_the_ir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one that has our HMAC: it is taken for absent, and nothing is called."""
    monkeypatch.chdir(tmp_path)
    cache = Cache(tmp_path / "cache")
    memory, (source,) = Memory(cache, rules={}), _sources({"a.py": "x = 1\n"})
    for value in (_Evil(), os.mkdir, "text", taint.Mode.BOTH, (1, 2)):
        cache.put("ir", memory._module_key(source), pickle.dumps(value))
        assert memory.module(source) is None
    assert not (tmp_path / "made-by-a-pickle").exists()
    module = taint.lower(source.path, source.data)
    assert isinstance(module, taint.ModuleIR)
    memory.keep_module(source, module)
    assert memory.module(source) == module


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"claims": [{}], "unread": [], "partial": []}', b"\xff"])
def test_an_answer_that_does_not_read_is_absent(tmp_path: Path, data: bytes) -> None:
    """Entries of another form, whoever wrote them."""
    cache = Cache(tmp_path / "cache")
    cache.put("look", "ab" * 32, data)
    assert Memory(cache, rules={}).look("ab" * 32) is None


def test_the_engines_digest_is_of_what_is_installed() -> None:
    """It names a version of the engine, the same in each process."""
    assert len(engine_digest()) == 64
    engine_digest.cache_clear()
    assert engine_digest() == engine_digest()
