"""Say what an answer is made of: names of fields and kinds of values, not the values."""

from typing import Any

_VARIES = frozenset({"config", "trouble"})
"""Fields whose own fields are whatever somebody has set."""


def shape_of(document: Any) -> Any:
    """Return the shape of a document; a list is as its entries are, each kind of them once."""
    if isinstance(document, dict):
        return {
            name: "any" if name in _VARIES else shape_of(value) for name, value in document.items()
        }
    if isinstance(document, list):
        shapes: list[Any] = []
        for each in document:
            shape = shape_of(each)
            if shape not in shapes:
                shapes.append(shape)
        return shapes
    return type(document).__name__
