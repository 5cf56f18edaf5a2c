"""The closed list of what the gate carries; whatever is not here does not pass."""

from sekisho.labs.interfaces import Surface

OPENAI_CHAT = Surface(name="openai.chat", method="POST", path="/v1/chat/completions", dialect="openai")
OPENAI_RESPONSES = Surface(name="openai.responses", method="POST", path="/v1/responses", dialect="openai")
ANTHROPIC_MESSAGES = Surface(name="anthropic.messages", method="POST", path="/v1/messages", dialect="anthropic")
SURFACES = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES)

_BY_REQUEST = {(surface.method, surface.path): surface for surface in SURFACES}


def find_surface(method: str, path: str) -> Surface | None:
    """Return the surface at `path` (raw, without query), compared byte for byte: a path with `..` or `%2F` is none."""
    return _BY_REQUEST.get((method, path))
