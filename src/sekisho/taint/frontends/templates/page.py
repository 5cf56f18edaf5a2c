"""Where in a page of HTML an expression stands: escaping that protects in one place does not in another."""

import re

_TAG = re.compile(r"<!--|<(/?)([a-zA-Z][^\s/>]*)")
# One step inside a tag: an attribute with or without its equals sign, the end of the tag, or a character between.
_INSIDE = re.compile(r"(?P<end>>)|(?P<name>[^\s=>/\"']+)(?P<equals>\s*=\s*(?P<quote>[\"']?))?|[\s=/\"']+")
_RAW = {"script": re.compile(r"</script", re.I), "style": re.compile(r"</style", re.I)}
_UNQUOTED_END = re.compile(r"[\s>]")
# Attributes whose address may be a script.
_ADDRESSES = frozenset({"href", "action", "formaction", "xlink:href", "data"})
# Elements whose src is loaded as a document or script; an image's is not.
_LOADED = frozenset({"script", "iframe", "frame", "embed"})


class Page:
    """The state of an HTML parser, as far as it matters here. Made for pages as people write them."""

    def __init__(self) -> None:
        self._state = "content"
        self._element = ""
        self._attribute = ""
        self._quote = ""
        self._begun = False

    def text(self, text: str) -> None:
        """Go on past `text`."""
        position = 0
        while position < len(text):
            position = getattr(self, f"_{self._state}")(text, position)

    def value(self) -> None:
        """Go on past an expression's value, which closes nothing."""
        if self._state == "value":
            self._begun = True

    @property
    def place(self) -> str:
        """What kind of place this is: content, attribute (not in quotes), script, style, or address."""
        if self._state in {"script", "style"}:
            return self._state
        if self._state == "tag":
            return "attribute"
        if self._state != "value":
            return "content"
        if self._attribute.startswith("on") or self._attribute == "srcdoc":
            return "script"
        if not self._quote:
            return "attribute"
        if self._attribute == "style":
            return "style"
        return "address" if not self._begun and self._is_address() else "content"

    @property
    def in_double_quotes(self) -> bool:
        """Say whether a double quote ends the place."""
        return self._state == "value" and self._quote == '"'

    def _is_address(self) -> bool:
        return self._attribute in _ADDRESSES or (self._attribute == "src" and self._element in _LOADED)

    def _content(self, text: str, position: int) -> int:
        found = _TAG.search(text, position)
        if found is None:
            return len(text)
        if found[0] == "<!--":
            self._state = "comment"
        else:
            self._state, self._element = "tag", "" if found[1] else found[2].lower()
        return found.end()

    def _comment(self, text: str, position: int) -> int:
        end = text.find("-->", position)
        if end < 0:
            return len(text)
        self._state = "content"
        return end + 3

    def _tag(self, text: str, position: int) -> int:
        found = _INSIDE.match(text, position)
        if found is None:
            return len(text)
        if found["end"]:
            self._state = self._element if self._element in _RAW else "content"
        elif found["equals"] is not None:
            self._state, self._attribute, self._quote = "value", found["name"].lower(), found["quote"]
            self._begun = False
        return found.end()

    def _value(self, text: str, position: int) -> int:
        if self._quote:
            end = text.find(self._quote, position)
            after = end + 1
        else:
            ending = _UNQUOTED_END.search(text, position)
            end = after = ending.start() if ending is not None else -1
        self._begun = self._begun or bool(text[position : end if end >= 0 else None].strip())
        if end < 0:
            return len(text)
        self._state = "tag"
        return after

    def _script(self, text: str, position: int) -> int:
        return self._raw(text, position)

    def _style(self, text: str, position: int) -> int:
        return self._raw(text, position)

    def _raw(self, text: str, position: int) -> int:
        found = _RAW[self._state].search(text, position)
        if found is None:
            return len(text)
        self._state, self._element = "tag", ""
        return found.end()
