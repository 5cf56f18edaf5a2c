"""A notice says what to do, to one recipient, and nothing of the flaw."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.core import Tlp
from sekisho.disclosure import (
    CaseRefused,
    Embargo,
    EmbargoState,
    ReleaseRefused,
    Text,
    build_notice,
    lift,
)
from sekisho.formats import csaf, purl
from sekisho.formats.cyclonedx import Component

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOTICE_ID = "ntc_" + "7" * 26
QUIET = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _build(case, recipient, issuer, **changes):
    return build_notice(replace(case, **changes), notice_id=NOTICE_ID, recipient=recipient, issuer=issuer, at=AT)


def _files(notice) -> tuple[dict, str]:
    advisory, page = notice.files
    return json.loads(advisory.data), page.data.decode()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data) -> None:
        self.text += data


def test_the_advisory_says_what_the_bank_runs_and_what_to_do(case, recipient, issuer) -> None:
    """CSAF 2.0: its version as known_affected by purl, the workaround, the fix, TLP:AMBER."""
    value, _ = _files(_build(case, recipient, issuer))
    csaf.check_csaf(value)
    assert value["document"]["distribution"]["tlp"]["label"] == "AMBER"
    (branch,) = value["product_tree"]["branches"]
    products = {b["product"]["product_id"]: b["product"] for b in branch["branches"]}
    (flaw,) = value["vulnerabilities"]
    (affected,) = flaw["product_status"]["known_affected"]
    assert products[affected]["product_identification_helper"] == {"purl": "pkg:pypi/starlette@0.26.1"}
    assert [(r["category"], r["product_ids"]) for r in flaw["remediations"]] == [
        ("workaround", [affected]),
        ("vendor_fix", [affected]),
    ]
    assert flaw["remediations"][0]["details"] == case.mitigation.text.en


def test_the_page_says_it_in_both_languages_with_hour_and_zone(case, recipient, issuer) -> None:
    """Tracking id, recipient, component, version, mitigation, fix, embargo, basis, contact; Japanese first."""
    _, page = _files(_build(case, recipient, issuer))
    reader = _Reader()
    reader.feed(page)
    for said in (
        "TLP:AMBER",
        "SEKISHO-2026-" + "7" * 26,
        "ある地方銀行 御中",
        "A Regional Bank",
        "starlette",
        "0.26.1",
        "0.27.0",
        case.mitigation.text.ja,
        "Serve static files from the web server in front.",
        case.basis.ja,
        case.basis.en,
        "2026年11月22日 18時00分（日本標準時、JST、UTC+09:00）",
        "2027-02-20 18:00 JST (UTC+09:00)",
        "事務局 office@sekisho.example",
    ):
        assert said in reader.text, said
    assert page.index('<article lang="ja">') < page.index('<article lang="en">')


def test_the_page_loads_nothing_and_runs_nothing(case, recipient, issuer) -> None:
    """Opening it must not tell anybody that it was opened."""
    _, page = _files(_build(case, recipient, issuer))
    reader = _Reader()
    reader.feed(page)
    assert not {"script", "img", "link", "iframe", "a", "form", "object"} & set(reader.tags)
    assert not {"src", "href", "onload", "style"} & set(reader.attributes)
    assert "default-src 'none'" in page


@given(st.text(alphabet="<>&\"'$ab{}\n", min_size=1, max_size=30).filter(str.strip))
@QUIET
def test_every_value_is_escaped(case, recipient, issuer, hostile: str) -> None:
    """Whatever people or SBOMs write, it is text on the page and nothing else."""
    plain = _Reader()
    plain.feed(_files(_build(case, recipient, issuer))[1])
    _, page = _files(
        _build(
            replace(case, mitigation=replace(case.mitigation, text=Text(en=hostile, ja=hostile))),
            replace(recipient, name=Text(en=hostile, ja=hostile)),
            replace(issuer, contact=Text(en=hostile, ja=hostile)),
        )
    )
    reader = _Reader()
    reader.feed(page)
    assert set(reader.tags) | {"br"} == set(plain.tags) | {"br"}
    assert set(reader.attributes) == set(plain.attributes)
    for line in hostile.split("\n"):
        assert line in reader.text


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=9, max_size=20).map("zqx".__add__)


@given(st.lists(words, min_size=9, max_size=9, unique=True), st.integers(1_000, 9_999))
@QUIET
def test_nothing_of_the_finding_is_in_the_notice(case, finding, recipient, issuer, made, number) -> None:
    """Not its place, flow, weakness, title, function, code or ids, nor the id of the case or the commitment."""
    path, function, title, expression, why, rule, other_path, verdict_id, case_part = made
    odd = replace(
        finding,
        rule_id=rule.strip("_") or "rule-nine",
        cwe=f"CWE-{number}",
        title=title,
        location=replace(finding.location, path=f"{path}.py", function=function),
        flow=(replace(finding.flow[0], path=f"{other_path}.py", expression=expression, why=why),),
        fingerprint=(f"{number}" * 16),
    )
    case_id = "cas_" + (verdict_id + case_part).replace("_", "0").ljust(26, "0")[:26]
    notice = _build(case, recipient, issuer, id=case_id, finding_id=odd.id, commitment=f"{number}" * 32)
    told = b"\n".join(file.data for file in notice.files).decode() + "".join(file.name for file in notice.files)
    secrets = (path, function, title, expression, why, rule, other_path, odd.cwe, odd.fingerprint)
    for secret in (*secrets, odd.id, odd.campaign_id, case_id, f"{number}" * 32, case.owner):
        assert secret not in told, secret
    assert "CWE" not in told


def test_a_notice_needs_an_embargo_first(case, recipient, issuer) -> None:
    """Before silence is agreed on nobody outside is told what to do: it would tell where to look."""
    for embargo in (Embargo(), Embargo(state=EmbargoState.PROPOSED, proposals=(AT,))):
        with pytest.raises(ReleaseRefused):
            _build(case, recipient, issuer, embargo=embargo)


def test_after_the_embargo_the_label_is_clear(case, recipient, issuer) -> None:
    """What is public is not marked as a secret; TLP 1 spells it WHITE."""
    notice = _build(case, recipient, issuer, embargo=lift(case.embargo))
    value, page = _files(notice)
    assert notice.tlp is Tlp.CLEAR
    assert value["document"]["distribution"]["tlp"]["label"] == "WHITE"
    assert "TLP:AMBER" not in page


def test_without_a_fix_the_notice_says_so(case, recipient, issuer) -> None:
    """No vendor_fix, no fixed product, and a sentence in each language."""
    value, page = _files(_build(case, recipient, issuer, fixed_version=None))
    (flaw,) = value["vulnerabilities"]
    assert "fixed" not in flaw["product_status"]
    assert [r["category"] for r in flaw["remediations"]] == ["workaround"]
    assert "修正済みのバージョンはまだありません" in page
    assert "no fixed version yet" in page


def test_one_case_makes_the_same_bytes_twice(case, recipient, issuer) -> None:
    """A digest in the ledger can be recomputed from the case."""
    assert _build(case, recipient, issuer) == _build(case, recipient, issuer)
    assert _build(case, recipient, issuer).manifest == _build(case, recipient, issuer).manifest


def test_file_names_follow_the_tracking_id(case, recipient, issuer) -> None:
    """CSAF 2.0 5.1, and the page beside it."""
    names = [file.name for file in _build(case, recipient, issuer).files]
    assert names == [f"sekisho-2026-{'7' * 26}.json", f"sekisho-2026-{'7' * 26}.html"]
    assert all(re.fullmatch(r"[a-z0-9+.-]+", name) for name in names)


def test_a_recipient_with_odd_versions_cannot_stop_the_others(case, recipient, issuer) -> None:
    """An SBOM that states a second, senseless version yields a notice about the one that makes sense."""
    odd = Component(name="starlette", version="all versions <1", purl=purl.parse("pkg:pypi/starlette@0.26.1"))
    value, _ = _files(_build(case, replace(recipient, components=(odd,)), issuer))
    csaf.check_csaf(value)
    assert [b["name"] for b in value["product_tree"]["branches"][0]["branches"]] == ["0.26.1", "0.27.0"]


def test_a_notice_about_no_version_is_refused(case, recipient, issuer) -> None:
    """Only those who run something are told."""
    with pytest.raises(CaseRefused):
        _build(case, replace(recipient, components=()), issuer)


def test_an_id_that_is_not_a_notices_is_refused(case, recipient, issuer) -> None:
    """The case's id, for one, would tie the notices of all recipients together."""
    with pytest.raises(CaseRefused):
        build_notice(case, notice_id=case.id, recipient=recipient, issuer=issuer, at=AT)
