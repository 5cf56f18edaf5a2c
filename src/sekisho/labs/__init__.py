"""Upstreams: how each lab's API is spoken, watched and refused. Pure; whoever holds the sockets lives in `gate/`."""

from sekisho.labs.errors import BadCall, BadEndpoint, CallTooDeep, LabGarbled, UnknownDialect
from sekisho.labs.interfaces import Answer, AnswerReader, Call, Denial, Dialect, Surface
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
    "LabGarbled",
    "Surface",
    "UnknownDialect",
    "find_surface",
]
