"""What the lowering of one file carries along, in any language: limits, gaps, and the names of the scopes it is in."""

from collections.abc import Iterator

from tree_sitter import Node

from sekisho.taint import ir

# CPython's own parser stops at 200 levels of brackets and 100 of indentation; people stop at 20. Each level costs the
# front-end and the engine a few Python frames, of which there are a thousand.
MAX_DEPTH = 80
# Per file. The largest module of the standard library has 70,000.
MAX_NODES = 1_500_000
# Constants beyond this many in one collection carry no flow and are dropped.
MAX_CONSTANTS = 256


class TooLarge(Exception):
    """The file has more nodes than we look at. Stays inside the front-end."""


class Lowering:
    """The state of one file's lowering."""

    def __init__(self) -> None:
        self.gaps: list[ir.Gap] = []
        self.depth = 0
        self._nodes = 0
        self._scope: list[str] = []
        self._taken: set[str] = set()

    def count(self) -> None:
        """Count a node; raise TooLarge when there are too many."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge(f"more than {MAX_NODES} nodes: data rather than code")

    def too_deep(self, node: Node) -> bool:
        """Say whether `node` lies too deep, and note the gap if so."""
        if self.depth <= MAX_DEPTH:
            return False
        self.gap(node, f"nested deeper than {MAX_DEPTH} levels")
        return True

    def gap(self, node: Node, reason: str) -> None:
        """Note that `node` is not analysed. One gap a line is enough."""
        at = place_of(node)
        if not self.gaps or ir.line_of(self.gaps[-1].at) != ir.line_of(at):
            self.gaps.append(ir.Gap(at, reason))

    def enter(self, name: str) -> str:
        """Enter the scope `name`; return its qualified name, unique in the file."""
        self._scope.append(name)
        qualname = ".".join(self._scope)
        unique, count = qualname, 1
        while unique in self._taken:
            count += 1
            unique = f"{qualname}#{count}"
        self._taken.add(unique)
        return unique

    def leave(self) -> None:
        """Leave the innermost scope."""
        self._scope.pop()


def place_of(node: Node) -> int:
    """Return where `node` begins."""
    row, column = node.start_point
    return ir.place(row + 1, column + 1)


def text_of(node: Node) -> str:
    """Return the source of `node`."""
    text = node.text
    return text.decode("utf-8", "replace") if text else ""


def broken_places(lowering: Lowering, root: Node) -> tuple[ir.Gap, ...]:
    """Return the places that were left out while lowering, and those that do not parse, by place."""
    gaps = {*lowering.gaps, *(ir.Gap(place_of(node), "does not parse") for node in _broken(root))}
    return tuple(sorted(gaps))


def _broken(root: Node) -> Iterator[Node]:
    """Yield the outermost errors, and the tokens that the parser had to invent."""
    work = [root] if root.has_error else []
    while work:
        node = work.pop()
        if node.is_error or node.is_missing:
            yield node
        else:
            work.extend(child for child in node.children if child.has_error or child.is_missing)
