"""The report as Markdown and as HTML: everything in it, and nothing that a stranger's sentence could do."""

import html.parser
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.ledger.audit import Audit, Language, page_of, to_html, to_markdown
from sekisho.ledger.audit.page import Bullets, Heading, Paragraph, Table

TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul", "li", "table", "tr", "th", "td"}


class Tags(html.parser.HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


@pytest.fixture
def audit(rig: Any) -> Audit:
    """One call in scope, one outside."""
    rig.begin().call()
    rig.call(asset="ast_2")
    made: Audit = rig.settle().audit()
    return made


@pytest.mark.parametrize("language", Language)
def test_the_report_has_every_clause_entry_and_limit(audit: Audit, language: Language) -> None:
    """In each language, in both forms: the condition's own words too, and the entry that breaks a clause."""
    blocks = page_of(audit, language)
    page = parse(to_html(blocks, language))
    markdown = to_markdown(blocks)
    for text in ("calls/gate-0 2", "acc_1", "home-gov", "trust/quorum.py", audit.accord_sha256):
        assert text in page.text
    assert "Only code that the institution owns; no <b>bold</b> claims | 画面." in page.text
    assert len(audit.rulings) == 15
    headings = [block.text for block in blocks if isinstance(block, Heading) and block.level == 3]
    assert len(headings) == 15
    for heading in headings:
        assert heading in page.text
    assert markdown.count("\n### ") == 15
    words = {Language.EN: ("not met", "not shown"), Language.JA: ("違反", "確認できず")}[language]
    assert all(word in page.text and word in markdown for word in words)


def test_html_runs_nothing_and_loads_nothing(audit: Audit) -> None:
    """No script, link, image or handler; and the page's own policy forbids what might slip in."""
    page = to_html(page_of(audit, Language.EN), Language.EN)
    tags = parse(page)
    assert tags.tags <= TAGS
    assert tags.names <= {"lang", "charset", "http-equiv", "content"}
    assert "default-src 'none'" in page


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_no_sentence_changes_the_page_around_it(text: str) -> None:
    """Whatever the parties wrote stays text: in HTML no tag comes of it, in Markdown no new cell or line."""
    blocks = (Heading(1, text), Paragraph(text), Bullets((text,)), Table(("a", "b"), ((text, text),)))
    assert parse(to_html(blocks, Language.EN)).tags == TAGS - {"h2", "h3"}
    lines = to_markdown(blocks).splitlines()
    assert len(lines) == 9
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", lines[-1])) == 3
