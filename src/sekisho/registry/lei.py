"""Legal Entity Identifiers (ISO 17442), read and never repaired.

An LEI is compared, signed and logged as text. A reader that took lower case, spaces or full-width digits as
equal would give one institution several spellings, and a grant for one of them would not be the grant of another.
"""

import re
from typing import NewType

from sekisho.core.ids import InstitutionId
from sekisho.registry.errors import LeiRefused

Lei = NewType("Lei", str)

# ISO 17442-1: 18 characters and two check digits. ASCII spelt out: \d and [^\W_] take full-width characters.
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}")
_MODULUS = 97
# ISO 7064 MOD 97-10 yields 02 to 98; 00, 01 and 99 leave the same remainders as 97, 98 and 02.
_CHECK_DIGITS = range(2, 99)


def parse_lei(text: str) -> Lei:
    """Return `text` as an LEI, or raise LeiRefused. Check digits show a slip of the pen, not that the entity exists."""
    if not _LEI.fullmatch(text):
        raise LeiRefused(f"not an LEI: {text[:40]!r}")
    if int(text[18:]) not in _CHECK_DIGITS or _remainder(text) != 1:
        raise LeiRefused(f"the check digits of {text} are wrong")
    return Lei(text)


def institution_id_of(lei: Lei) -> InstitutionId:
    """Return the id of the institution with `lei`: whoever signs a grant can compute it without asking us."""
    return InstitutionId(f"ins_{lei.lower()}")


def _remainder(text: str) -> int:
    """ISO 7064 MOD 97-10: letters become 10 to 35, and the digits are read as one number."""
    return int("".join(str(int(character, 36)) for character in text)) % _MODULUS
