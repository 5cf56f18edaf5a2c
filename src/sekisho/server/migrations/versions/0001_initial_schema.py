"""The first schema: registry, access, findings, exposure, disclosure and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_accords",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("in_force_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_accords")),
    )
    op.create_table(
        "access_holds",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("placed_by", sa.String(length=80), nullable=False),
        sa.Column(
            "target_kind",
            sa.Enum(
                "lab",
                "model",
                "institution",
                "principal",
                "grant",
                "accord",
                name="targetkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("target_id", sa.String(length=128), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("placed_at", sa.String(length=27), nullable=False),
        sa.Column("lapses_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_holds")),
    )
    with op.batch_alter_table("access_holds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_holds_lapses_at"), ["lapses_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_access_holds_placed_by_target_kind_target_id"),
            ["placed_by", "target_kind", "target_id"],
            unique=False,
        )

    op.create_table(
        "disclosure_cases",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("finding_id", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("embargo_state", sa.String(length=1), nullable=False),
        sa.Column("lifts_at", sa.String(length=27), nullable=True),
        sa.Column("opened_at", sa.String(length=27), nullable=False),
        sa.Column("commitment", sa.String(length=128), nullable=False),
        sa.Column("preimage", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_cases")),
        sa.UniqueConstraint("finding_id", name=op.f("uq_disclosure_cases_finding_id")),
    )
    with op.batch_alter_table("disclosure_cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_disclosure_cases_owner"), ["owner"], unique=False)

    op.create_table(
        "exposure_inventories",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("institution", sa.String(length=40), nullable=False),
        sa.Column("sbom_sha256", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.String(length=27), nullable=False),
        sa.Column("is_incomplete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_exposure_inventories")),
        sa.UniqueConstraint("id", name=op.f("uq_exposure_inventories_id")),
    )
    with op.batch_alter_table("exposure_inventories", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exposure_inventories_institution"), ["institution"], unique=False)

    op.create_table(
        "findings_campaign",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("institution_id", sa.String(length=80), nullable=False),
        sa.Column("asset_id", sa.String(length=80), nullable=False),
        sa.Column("report_sha256", sa.String(length=64), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings_campaign")),
    )
    with op.batch_alter_table("findings_campaign", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_findings_campaign_institution_id"), ["institution_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("entry_index", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_entry_index"), ["entry_index"], unique=False)

    op.create_table(
        "registry_institutions",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("lei", sa.String(length=20), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "bank",
                "joint-centre",
                "fintech",
                "vendor",
                "lab",
                "authority",
                name="institutionkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_ja", sa.String(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("enrolled_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_institutions")),
        sa.UniqueConstraint("lei", name=op.f("uq_registry_institutions_lei")),
    )
    op.create_table(
        "access_grants",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("accord_id", sa.String(length=80), nullable=False),
        sa.Column("institution_id", sa.String(length=80), nullable=False),
        sa.Column(
            "state",
            sa.Enum("active", "revoked", name="grantstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["accord_id"], ["access_accords.id"], name=op.f("fk_access_grants_accord_id_access_accords")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grants")),
    )
    with op.batch_alter_table("access_grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_grants_accord_id"), ["accord_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_access_grants_institution_id"), ["institution_id"], unique=False)

    op.create_table(
        "disclosure_notices",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("institution", sa.String(length=40), nullable=False),
        sa.Column("tlp", sa.String(length=20), nullable=False),
        sa.Column("issued_at", sa.String(length=27), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["disclosure_cases.id"], name=op.f("fk_disclosure_notices_case_id_disclosure_cases")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_notices")),
        sa.UniqueConstraint("case_id", "institution", name=op.f("uq_disclosure_notices_case_id_institution")),
    )
    op.create_table(
        "exposure_components",
        sa.Column("inventory_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=1024), nullable=False),
        sa.Column("version", sa.String(length=1024), nullable=True),
        sa.Column("purl", sa.String(length=6144), nullable=True),
        sa.ForeignKeyConstraint(
            ["inventory_number"],
            ["exposure_inventories.number"],
            name=op.f("fk_exposure_components_inventory_number_exposure_inventories"),
        ),
        sa.PrimaryKeyConstraint("inventory_number", "position", name=op.f("pk_exposure_components")),
    )
    op.create_table(
        "findings_finding",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("institution_id", sa.String(length=80), nullable=False),
        sa.Column("asset_id", sa.String(length=80), nullable=False),
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column(
            "severity",
            sa.Enum(
                "low",
                "medium",
                "high",
                "critical",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "confirmed",
                "dismissed",
                "fixed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state_reason",
            sa.Enum(
                "reproduced",
                "reviewed",
                "published",
                "false-positive",
                "not-reachable",
                "risk-accepted",
                "patched",
                "upgraded",
                name="statereason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["findings_campaign.id"], name=op.f("fk_findings_finding_campaign_id_findings_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings_finding")),
        sa.UniqueConstraint(
            "institution_id",
            "asset_id",
            "fingerprint",
            name=op.f("uq_findings_finding_institution_id_asset_id_fingerprint"),
        ),
    )
    with op.batch_alter_table("findings_finding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_findings_finding_campaign_id"), ["campaign_id"], unique=False)

    op.create_table(
        "registry_assets",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("institution_id", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "repository",
                "package",
                "host",
                "account",
                name="assetkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("declared_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["registry_institutions.id"],
            name=op.f("fk_registry_assets_institution_id_registry_institutions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_assets")),
        sa.UniqueConstraint("institution_id", "kind", "name", name=op.f("uq_registry_assets_institution_id_kind_name")),
    )
    op.create_table(
        "registry_principals",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("institution_id", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("person", "workload", name="principalkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("jkt", sa.String(length=43), nullable=False),
        sa.Column("enrolled_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["registry_institutions.id"],
            name=op.f("fk_registry_principals_institution_id_registry_institutions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_principals")),
        sa.UniqueConstraint("jkt", name=op.f("uq_registry_principals_jkt")),
    )
    with op.batch_alter_table("registry_principals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registry_principals_institution_id"), ["institution_id"], unique=False)

    op.create_table(
        "access_revocations",
        sa.Column("grant_id", sa.String(length=80), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("revoked_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grants.id"], name=op.f("fk_access_revocations_grant_id_access_grants")
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_access_revocations")),
    )
    op.create_table(
        "disclosure_notice_files",
        sa.Column("notice_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["disclosure_notices.id"],
            name=op.f("fk_disclosure_notice_files_notice_id_disclosure_notices"),
        ),
        sa.PrimaryKeyConstraint("notice_id", "position", name=op.f("pk_disclosure_notice_files")),
    )
