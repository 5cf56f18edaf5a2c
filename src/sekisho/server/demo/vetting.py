"""Act 2: institutions by their LEI, people and workloads by their keys, grants by the quorum."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sekisho.api.client import OfficeRefused
from sekisho.core import Window
from sekisho.core.ids import AccordId, AssetId, GrantId, InstitutionId, PrincipalId
from sekisho.server.demo.stage import LABS, Enrolled, Stage
from sekisho.server.demo.story import ActFailed
from sekisho.sidecar import make_key
from sekisho.trust import Budget, Grant, grant_payload

# LEIs of the three banks as GLEIF lists them; the last two institutions are invented, with valid check digits.
INSTITUTIONS = {
    "mufg-bank": ("C3GTMMZIHMY46P4OIX74", "bank", "MUFG Bank, Ltd.", "株式会社三菱UFJ銀行"),
    "smbc": ("5U0XI89JRFVHWIBS4F54", "bank", "Sumitomo Mitsui Banking Corporation", "株式会社三井住友銀行"),
    "mizuho-bank": ("RB0PEZSDGCO3JS6CEU02", "bank", "Mizuho Bank, Ltd.", "株式会社みずほ銀行"),
    "regional-bank": ("5493000SEKISHODEMO71", "bank", "Example Regional Bank", "株式会社見本地方銀行"),
    "fintech": ("5493000SEKISHODEMF98", "fintech", "Example Fintech", "見本フィンテック株式会社"),
}
# In circulation on the web as if they were MUFG's and SMBC's; their check digits are wrong.
FALSE_LEIS = ("353800F562J3UTPV6E63", "7VOTYQBDDXOK2GDJJ7Q3")
PRINCIPALS = {  # name → institution, kind
    "mufg-hunter": ("mufg-bank", "workload"),
    "mufg-analyst": ("mufg-bank", "person"),
    "mufg-weekend": ("mufg-bank", "workload"),
    "smbc-hunter": ("smbc", "workload"),
    "smbc-pilot": ("smbc", "workload"),
    "mizuho-hunter": ("mizuho-bank", "workload"),
    "mizuho-analyst": ("mizuho-bank", "person"),
    "regional-workload": ("regional-bank", "workload"),
}
ASSETS = {  # name → institution, purl of what the bank declares that it controls
    "mufg-web": ("mufg-bank", "pkg:pypi/starlette@0.26.1"),
    "mufg-web-next": ("mufg-bank", "pkg:pypi/starlette@0.27.0"),
    "mufg-core": ("mufg-bank", "pkg:generic/mufg-demo/core-banking"),
    "smbc-web": ("smbc", "pkg:generic/smbc-demo/web-banking"),
    "mizuho-web": ("mizuho-bank", "pkg:generic/mizuho-demo/web-banking"),
}
GENEROUS, ONE_CALL = Budget(tokens=10_000_000, calls=100_000), Budget(tokens=1_000_000, calls=1)


def play(stage: Stage) -> Mapping[str, Any]:
    """Refuse two false LEIs, enrol who takes part, declare assets, issue grants."""
    refused = {lei: _refused_lei(stage, lei) for lei in FALSE_LEIS}
    for name, (lei, kind, latin, japanese) in INSTITUTIONS.items():
        body = {"lei": lei, "kind": kind, "name": latin, "name_ja": japanese, "country": "JP"}
        stage.institutions[name] = stage.office.post("/institutions", body)["id"]
    for name, (institution, kind) in PRINCIPALS.items():
        stage.principals[name] = _enrol(stage, name, institution, kind)
    for name, (institution, purl) in ASSETS.items():
        body = {"institution_id": stage.institutions[institution], "kind": "package", "name": purl}
        basis = "Demo: a copy that the bank builds and runs itself."
        stage.assets[name] = stage.office.post("/assets", {**body, "basis": basis})["id"]
    for name, grant in _grants(stage).items():
        stage.office.post("/grants", stage.signed("grant", grant_payload(grant), *stage.quorum(grant.lab)))
        stage.grants[name] = grant.id
    return {
        "institutions": {name: INSTITUTIONS[name][0] for name in stage.institutions},
        "false_leis_refused": refused,
        "principals": len(stage.principals),
        "grants": dict(stage.grants),
        "without_access": ["regional-bank", "fintech"],
    }


def _enrol(stage: Stage, name: str, institution: str, kind: str) -> Enrolled:
    """Make the principal's key on its own machine (here: its own folder), and enrol the public half."""
    folder = stage.places.root / "defenders" / name
    folder.mkdir(mode=0o700, parents=True)
    key = make_key(folder / "key.pem")
    institution_id = stage.institutions[institution]
    body = {"institution_id": institution_id, "kind": kind, "name": name, "key": dict(key.public.to_jwk())}
    enrolled = stage.office.post("/principals", body)
    return Enrolled(id=enrolled["id"], institution_id=institution_id, key_file=folder / "key.pem")


def _grants(stage: Stage) -> Mapping[str, Grant]:
    year = stage.year
    next_weekend = Window(opens=year.opens + timedelta(days=6), closes=year.opens + timedelta(days=8))
    return {
        "mufg-openai": _grant(
            stage, "openai", "mufg-bank", ("mufg-hunter", "mufg-analyst"), "mufg-web", GENEROUS, year
        ),
        "mufg-anthropic": _grant(stage, "anthropic", "mufg-bank", ("mufg-hunter",), "mufg-web", GENEROUS, year),
        "mufg-weekend": _grant(stage, "openai", "mufg-bank", ("mufg-weekend",), "mufg-web", GENEROUS, next_weekend),
        "smbc-openai": _grant(stage, "openai", "smbc", ("smbc-hunter",), "smbc-web", GENEROUS, year),
        "smbc-pilot": _grant(stage, "openai", "smbc", ("smbc-pilot",), "smbc-web", ONE_CALL, year),
        "mizuho-openai": _grant(
            stage, "openai", "mizuho-bank", ("mizuho-hunter", "mizuho-analyst"), "mizuho-web", GENEROUS, year
        ),
    }


def _grant(
    stage: Stage, lab: str, institution: str, principals: tuple[str, ...], asset: str, budget: Budget, window: Window
) -> Grant:
    return Grant(
        id=GrantId(stage.ids.new("grt")),
        accord_id=AccordId(stage.accords[lab]),
        institution_id=InstitutionId(stage.institutions[institution]),
        principals=tuple(PrincipalId(stage.principals[name].id) for name in principals),
        lab=lab,
        models=(LABS[lab][1],),
        tier="defence",
        assets=(AssetId(stage.assets[asset]),),
        techniques=("find", "verify"),
        budget=budget,
        window=window,
    )


def _refused_lei(stage: Stage, lei: str) -> str:
    body = {"lei": lei, "kind": "bank", "name": "False LEI", "name_ja": None, "country": "JP"}
    try:
        stage.office.post("/institutions", body)
    except OfficeRefused as error:
        return error.code
    raise ActFailed(f"the false LEI {lei} was taken")
