"""What is known of constants in containers, so that a branch that cannot be taken is not taken."""

from sekisho.taint.engine.values import ANY, UNKNOWN, Value


def is_among(const: object, container: Value) -> bool | None:
    """Say whether `const` is in a text or in a list of constants; None if that is not known."""
    if isinstance(const, str) and isinstance(container.const, str):
        return const in container.const
    items = container.items
    if not items or container.taints or ANY in items or not all(key.isdigit() for key in items):
        return None
    if any(item.const is UNKNOWN for item in items.values()):
        return None
    return any(type(item.const) is type(const) and item.const == const for item in items.values())
