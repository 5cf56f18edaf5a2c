"""The salt that opens the ledger's commitment to a principal's key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registry_principals", sa.Column("key_salt", sa.LargeBinary(), nullable=True))
