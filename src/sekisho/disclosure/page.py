"""The readable notice: one HTML page, Japanese first, then English, for people who have no tool that reads CSAF.

It needs nothing but itself: no script, no address that it loads from, so it can be opened anywhere and tells
nobody that it was. Every value is escaped; times are printed with hour and zone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from string import Template

from sekisho.core import Tlp
from sekisho.disclosure.case import Text

# FIRST, TLP 2.0: each label's colour on black.
_COLOURS = {
    Tlp.RED: "#ff2b2b",
    Tlp.AMBER_STRICT: "#ffc000",
    Tlp.AMBER: "#ffc000",
    Tlp.GREEN: "#33ff00",
    Tlp.CLEAR: "#ffffff",
}
# Japan has had no summer time since 1951; a fixed offset needs no zone database.
_JST = timezone(timedelta(hours=9), "JST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page says. `lifts_at`: None once the embargo has ended; times are aware."""

    tracking_id: str
    tlp: Tlp
    recipient: Text
    component: str
    versions: tuple[str, ...]
    fixed_version: str | None
    mitigation: Text
    basis: Text
    issuer: Text
    contact: Text
    issued_at: datetime
    lifts_at: datetime | None


def render(page: Page) -> bytes:
    """Return `page` as UTF-8 HTML; the same page is the same bytes."""
    return _PAGE.substitute(
        tracking_id=escape(page.tracking_id),
        tlp=escape(page.tlp.label),
        colour=_COLOURS[page.tlp],
        ja=_body(_BODY_JA, _fields_ja(page)),
        en=_body(_BODY_EN, _fields_en(page)),
    ).encode()


def at_jst_en(at: datetime) -> str:
    """Return `at` (aware) in Japan's time, with hour and zone: 2026-11-22 18:00 JST (UTC+09:00)."""
    return at.astimezone(_JST).strftime("%Y-%m-%d %H:%M JST (UTC+09:00)")


def at_jst_ja(at: datetime) -> str:
    """Return `at` (aware) in Japan's time, as Japanese documents print it, with hour and zone."""
    local = at.astimezone(_JST)
    return (
        f"{local.year}年{local.month}月{local.day}日 {local.hour}時{local.minute:02d}分（日本標準時、JST、UTC+09:00）"
    )


def _fields_ja(page: Page) -> dict[str, str]:
    return {
        **_fields(page),
        "recipient": page.recipient.ja,
        "mitigation": page.mitigation.ja,
        "basis": page.basis.ja,
        "issuer": page.issuer.ja,
        "contact": page.contact.ja,
        "versions": "、".join(page.versions),
        "issued_at": at_jst_ja(page.issued_at),
        "fix": (
            "修正済みのバージョンはまだありません。公開され次第、改めてお知らせします。"
            if page.fixed_version is None
            else f"バージョン {page.fixed_version} で修正されています。検証のうえ、更新してください。"
        ),
        "sharing": (
            "公表制限（エンバーゴ）は終了しています。この通知は自由に共有できます（TLP:CLEAR）。"
            if page.lifts_at is None
            else "この通知は TLP:AMBER です。貴機関の内部、および対応に必要な委託先・顧客のうち、知る必要のある方に"
            f"限って共有してください。公表制限（エンバーゴ）は {at_jst_ja(page.lifts_at)} までです。"
        ),
    }


def _fields_en(page: Page) -> dict[str, str]:
    return {
        **_fields(page),
        "recipient": page.recipient.en,
        "mitigation": page.mitigation.en,
        "basis": page.basis.en,
        "issuer": page.issuer.en,
        "contact": page.contact.en,
        "versions": ", ".join(page.versions),
        "issued_at": at_jst_en(page.issued_at),
        "fix": (
            "There is no fixed version yet. You will be told when there is one."
            if page.fixed_version is None
            else f"Version {page.fixed_version} mends it. Test it, then update."
        ),
        "sharing": (
            "The embargo has ended. You may share this notice freely (TLP:CLEAR)."
            if page.lifts_at is None
            else "This notice is TLP:AMBER. Share it within your organisation, and with those contractors and clients "
            f"who must act, on a need-to-know basis. It is under embargo until {at_jst_en(page.lifts_at)}."
        ),
    }


def _fields(page: Page) -> dict[str, str]:
    return {"tracking_id": page.tracking_id, "component": page.component}


def _body(template: Template, fields: dict[str, str]) -> str:
    return template.substitute({name: escape(text).replace("\n", "<br>") for name, text in fields.items()})


_PAGE = Template(
    """<!DOCTYPE html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>$tlp $tracking_id</title>
<style>
body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.7; font-family: sans-serif }
.tlp { background: #000; color: $colour; display: inline-block; padding: 0 .5rem; font-weight: bold }
h1 { font-size: 1.5rem; text-wrap: balance }
dt { font-weight: bold } dd { margin: 0 0 .8rem }
hr { margin: 3rem 0 }
</style>
</head>
<body>
<p class="tlp">$tlp</p>
<article lang="ja">
$ja</article>
<hr>
<article lang="en">
$en</article>
</body>
</html>
"""
)

_BODY_JA = Template(
    """<h1>ソフトウェア部品の欠陥に関する事前のお知らせ</h1>
<p>$recipient 御中</p>
<p>ご提出いただいたソフトウェア部品表（SBOM）を照合した結果、貴機関でご利用の部品に欠陥があることが判明しました。下記の対応をお願いいたします。</p>
<dl>
<dt>管理番号</dt><dd>$tracking_id</dd>
<dt>発行日時</dt><dd>$issued_at</dd>
<dt>部品</dt><dd>$component</dd>
<dt>貴機関でお使いのバージョン</dt><dd>$versions</dd>
<dt>直ちにお願いしたい対応</dt><dd>$mitigation</dd>
<dt>修正済みのバージョン</dt><dd>$fix</dd>
<dt>取り扱い</dt><dd>$sharing</dd>
<dt>公開前にお知らせする根拠</dt><dd>$basis</dd>
<dt>発行者</dt><dd>$issuer</dd>
<dt>お問い合わせ先</dt><dd>$contact</dd>
</dl>
<p>欠陥の技術的な内容は、悪用を防ぐため記載しておりません。欠陥の特定を目的とした調査や検証はお控えください。</p>
"""
)

_BODY_EN = Template(
    """<h1>Advance notice of a flaw in a software component</h1>
<p>To $recipient</p>
<p>By the inventory that you sent, you run a component that has a flaw. Please do what is said below.</p>
<dl>
<dt>Tracking id</dt><dd>$tracking_id</dd>
<dt>Issued</dt><dd>$issued_at</dd>
<dt>Component</dt><dd>$component</dd>
<dt>Versions you run</dt><dd>$versions</dd>
<dt>What to do now</dt><dd>$mitigation</dd>
<dt>Fixed version</dt><dd>$fix</dd>
<dt>Handling</dt><dd>$sharing</dd>
<dt>Why you are told before publication</dt><dd>$basis</dd>
<dt>Issued by</dt><dd>$issuer</dd>
<dt>Contact</dt><dd>$contact</dd>
</dl>
<p>The technical side of the flaw is left out so that nobody can misuse it. Please do not try to find it out.</p>
"""
)
