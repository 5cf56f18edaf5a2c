"""What every room speaks: errors with codes, typed ids, time, markings, reasons. Imports nothing of ours."""

from sekisho.core.clock import Clock, SteadyClock
from sekisho.core.errors import SekishoError
from sekisho.core.ids import IdSource
from sekisho.core.reasons import REASONS, Reason, ReasonText
from sekisho.core.tlp import Tlp
from sekisho.core.utc import format_utc, parse_utc
from sekisho.core.window import Window

__all__ = [
    "REASONS",
    "Clock",
    "IdSource",
    "Reason",
    "ReasonText",
    "SekishoError",
    "SteadyClock",
    "Tlp",
    "Window",
    "format_utc",
    "parse_utc",
]
