"""For the auditor: an accord held against a verified ledger, clause by clause.

`audit_ledger` verifies, reads each log once and rules; `page_of` with `to_markdown` or `to_html` makes a report of it.
All but `run` is pure.
"""

from sekisho.ledger.audit.errors import AccordNotOnRecord, LedgerMoved, LedgerNotSound
from sekisho.ledger.audit.page import limits_of, page_of, summary_names, summary_rows, why_of
from sekisho.ledger.audit.run import audit_ledger
from sekisho.ledger.audit.types import Audit, Clause, ClauseKind, Control, Evidence, Ground, Limit, Mark, Result, Ruling
from sekisho.ledger.audit.words import Language
from sekisho.ledger.audit.writers import to_html, to_markdown

__all__ = [
    "AccordNotOnRecord",
    "Audit",
    "Clause",
    "ClauseKind",
    "Control",
    "Evidence",
    "Ground",
    "Language",
    "LedgerMoved",
    "LedgerNotSound",
    "Limit",
    "Mark",
    "Result",
    "Ruling",
    "audit_ledger",
    "limits_of",
    "page_of",
    "summary_names",
    "summary_rows",
    "to_html",
    "to_markdown",
    "why_of",
]
