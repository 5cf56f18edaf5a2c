"""The data plane: one process that stands before every lab. DESIGN's path of one call, steps 1 to 12, lives here.

Imports no web framework, no database library and no agent library, and shares no listener with administration: what
reaches this process from outside is a lab's dialect or nothing. `__main__` runs it.
"""

from sekisho.gate.errors import BadSettings, HttpRefused, LabRefused, LinkRefused

__all__ = ["BadSettings", "HttpRefused", "LabRefused", "LinkRefused"]
