"""How entries are printed: one a line for people, whole as JSON for programs."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from sekisho.cli.output import one_line
from sekisho.ledger import EntryRefused, decode_entry


def parse_entry(data: bytes) -> Mapping[str, Any]:
    """Return the entry in `data` as JSON. Bytes that are none, as in other people's logs, are shown as base64."""
    try:
        decode_entry(data)
    except EntryRefused:
        return {"at": None, "body": {"base64": base64.b64encode(data).decode()}, "id": None, "kind": "unknown"}
    entry: Mapping[str, Any] = json.loads(data)
    return entry


def entry_line(index: int, entry: Mapping[str, Any], *, log: str | None = None) -> str:
    """Return the entry at `index` as one line for people, after the name of its log if that is given."""
    # A signed document is longer than all else together: --json has it.
    body = {name: item for name, item in entry["body"].items() if name != "envelope"}
    place = f"{index}" if log is None else f"{log} {index}"
    return f"{place}  {entry['at'] or '–'}  {entry['kind']}  {one_line(body)}"


def entry_json(index: int, entry: Mapping[str, Any]) -> str:
    """Return the entry at `index` whole, as JSON on one line that no terminal acts on."""
    return json.dumps({"index": index, **entry}, ensure_ascii=True)
