"""CSAF 2.0 (OASIS Standard, ISO/IEC 20153): security advisories of the profile `csaf_security_advisory`.

`document` builds one from plain values, `structure` and `mandatory` check what was built. What this house does not
emit (scores, relationships, product groups, references) is refused rather than half understood.
"""

from sekisho.formats.csaf.document import (
    Advisory,
    Product,
    Publisher,
    Remediation,
    Revision,
    build,
    encode,
    file_name,
)
from sekisho.formats.csaf.errors import CsafRefused
from sekisho.formats.csaf.mandatory import MANDATORY_TESTS, check_csaf

__all__ = [
    "MANDATORY_TESTS",
    "Advisory",
    "CsafRefused",
    "Product",
    "Publisher",
    "Remediation",
    "Revision",
    "build",
    "check_csaf",
    "encode",
    "file_name",
]
