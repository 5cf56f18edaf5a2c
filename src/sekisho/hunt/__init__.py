"""The hunt: recon, engines, one campaign of ordered findings, and a report that says what was not looked at.

Works on the base install: no database, web framework, model or network is needed to hunt a folder.
"""

from sekisho.hunt.archives import unpack_wheel
from sekisho.hunt.campaign import Claim, HuntEngine, Look, hunt
from sekisho.hunt.engines import Cache, TaintEngine, user_cache_folder
from sekisho.hunt.errors import (
    ArchiveRefused,
    EngineFailed,
    NothingToHunt,
    ReleaseRefused,
    ReleaseUnreachable,
    ReportNotWritten,
    RulesUnreadable,
    TargetRefused,
)
from sekisho.hunt.progress import OnProgress, Progress, Stage
from sekisho.hunt.recon import DEFAULT_EXCLUDES, Limits, Source, Survey, survey
from sekisho.hunt.releases import fetch_release
from sekisho.hunt.report import to_sarif, write_report
from sekisho.hunt.rules import read_rules
from sekisho.hunt.table import render_table
from sekisho.hunt.targets import survey_target

__all__ = [
    "DEFAULT_EXCLUDES",
    "ArchiveRefused",
    "Cache",
    "Claim",
    "EngineFailed",
    "HuntEngine",
    "Limits",
    "Look",
    "NothingToHunt",
    "OnProgress",
    "Progress",
    "ReleaseRefused",
    "ReleaseUnreachable",
    "ReportNotWritten",
    "RulesUnreadable",
    "Source",
    "Stage",
    "Survey",
    "TaintEngine",
    "TargetRefused",
    "fetch_release",
    "hunt",
    "read_rules",
    "render_table",
    "survey",
    "survey_target",
    "to_sarif",
    "unpack_wheel",
    "user_cache_folder",
    "write_report",
]
