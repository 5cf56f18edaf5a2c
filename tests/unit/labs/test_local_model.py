"""The local model: real APIs, behind a credential, gone with its parent."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from sekisho.labs import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, dialect_named, require_content_type
from sekisho.labs.local_model import LocalModelMissing, find_weights, main

CREDENTIAL = "lab-0123456789"
ALIAS = "stand-in-1"
BODIES = [
    (OPENAI_CHAT, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}),
    (OPENAI_RESPONSES, {"input": "hi", "max_output_tokens": 4}),
    (ANTHROPIC_MESSAGES, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}),
]


def require_group() -> None:
    if find_spec("xllamacpp") is None:
        pytest.skip("the dependency group local-model is not installed")
    try:
        find_weights()
    except LocalModelMissing:
        pytest.skip("the dependency group local-model is not installed")


def started(folder: Path, *wrapper: str) -> tuple[subprocess.Popen[bytes], dict[str, object]]:
    run_file, credential_file = folder / "run.json", folder / "credential"
    credential_file.write_text(CREDENTIAL + "\n")
    argv = (sys.executable, "-m", "sekisho.labs.local_model", "--run-file", str(run_file))
    argv = (*wrapper, *argv, "--credential-file", str(credential_file), "--alias", ALIAS)
    process = subprocess.Popen(argv, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not run_file.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, json.loads(run_file.read_bytes())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """A running model; stopped by SIGTERM, which it must obey quietly."""
    require_group()
    folder = tmp_path_factory.mktemp("model")
    process, told = started(folder)
    assert told["pid"] == process.pid
    assert (folder / "run.json").stat().st_mode & 0o777 == 0o600
    yield told
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert not (folder / "run.json").exists()
    assert said == b""


def post(model: dict[str, object], path: str, body: bytes, headers: list[tuple[bytes, bytes]]):
    request = urllib.request.Request(f"{model['base_url']}{path}", body, {"content-type": "application/json"})
    for name, value in headers:
        request.add_header(name.decode(), value.decode())
    return urllib.request.urlopen(request, timeout=60)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("surface", "fields"), BODIES, ids=lambda part: getattr(part, "name", ""))
def test_every_surface_answers_and_is_read(model, surface, fields, stream):
    """The readers agree with a real server: complete, counted, and the model named by its alias, not by a path."""
    body = json.dumps({"model": "any", "stream": stream, **fields}).encode()
    dialect = dialect_named(surface.dialect)
    call = dialect.parse_call(surface, body)
    prepared = dialect.prepare_body(surface, body, call)
    reader, shown = dialect.reader(surface, call, body), b""
    with post(model, surface.path, prepared, list(dialect.credential_headers(CREDENTIAL))) as answer:
        require_content_type(call, answer.headers["content-type"])
        while piece := answer.read1(7):
            shown += reader.feed(piece)
    end = reader.finish()
    assert (end.model, end.complete, end.lab_error) == (ALIAS, True, None)
    assert (end.input_tokens or 0) > 5
    assert end.output_tokens == 4
    assert (b"prompt_tokens" in shown) is False
    assert shown + end.tail


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_wrong_credential_is_refused(model, name):
    """Bearer and x-api-key are both checked: whoever goes round the gate gets nothing."""
    for headers in ([], list(dialect_named(name).credential_headers("lab-wrong"))):
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(model, "/v1/chat/completions", b'{"model":"m","messages":[]}', headers)
        assert refused.value.code == 401
        refused.value.close()


def test_it_does_not_outlive_its_parent(tmp_path):
    """A demo that is killed leaves no model behind."""
    require_group()
    process, told = started(tmp_path, "/bin/sh", "-c", '"$@"; true', "sh")
    assert told["pid"] != process.pid
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while (tmp_path / "run.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_cannot_start_says_so(tmp_path, capsys):
    """A missing or unfit credential is a coded error and status 1, and is not repeated."""
    argv = ["--run-file", str(tmp_path / "run.json"), "--credential-file", str(tmp_path / "credential")]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main(argv) == 1
        (tmp_path / "credential").write_text("two words")
        require_group()
        assert main(argv) == 1
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    said = capsys.readouterr().err
    assert "SKS-LABS-" in said
    assert "two words" not in said
    assert os.listdir(tmp_path) == ["credential"]
