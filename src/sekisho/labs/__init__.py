"""Upstreams: how each lab's API is spoken, watched and refused. Pure; whoever holds the sockets lives in `gate/`."""

from sekisho.labs.denials import unauthenticated_body
from sekisho.labs.dialects import dialect_named
from sekisho.labs.endpoint import LabEndpoint
from sekisho.labs.errors import BadCall, BadEndpoint, CallTooDeep, LabGarbled, UnknownDialect
from sekisho.labs.interfaces import Answer, AnswerReader, Call, Denial, Dialect, Surface
from sekisho.labs.reader import require_content_type
from sekisho.labs.surfaces import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, SURFACES, find_surface

__all__ = [
    "ANTHROPIC_MESSAGES",
    "OPENAI_CHAT",
    "OPENAI_RESPONSES",
    "SURFACES",
    "Answer",
    "AnswerReader",
    "BadCall",
    "BadEndpoint",
    "Call",
    "CallTooDeep",
    "Denial",
    "Dialect",
    "LabEndpoint",
    "LabGarbled",
    "Surface",
    "UnknownDialect",
    "dialect_named",
    "find_surface",
    "require_content_type",
    "unauthenticated_body",
]
