"""Judge: a real PostgreSQL, from Debian, under the laws that every sequencing store keeps."""

import pytest

from store_laws import *  # noqa: F403 - the laws are this module's tests

pytestmark = pytest.mark.judge
