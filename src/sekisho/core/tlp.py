"""The Traffic Light Protocol, version 2.0 (FIRST)."""

from enum import Enum


class Tlp(Enum):
    """A marking; the value is FIRST's spelling without the `TLP:` prefix. Ordered by how far it may travel."""

    RED = "RED"
    AMBER_STRICT = "AMBER+STRICT"
    AMBER = "AMBER"
    GREEN = "GREEN"
    CLEAR = "CLEAR"

    @property
    def label(self) -> str:
        """The label as it is printed: `TLP:AMBER+STRICT`."""
        return f"TLP:{self.value}"

    def is_narrower_than(self, other: "Tlp") -> bool:
        """Say whether this marking travels less far than `other`."""
        order = list(Tlp)
        return order.index(self) < order.index(other)
