"""The whole schema: every room's tables, gathered in the one place that may see them all."""

import sekisho.access.tables
import sekisho.disclosure.tables
import sekisho.exposure.tables
import sekisho.findings.tables
import sekisho.registry.tables  # noqa: F401  # imported for what they define
from sekisho.db import Base

METADATA = Base.metadata
