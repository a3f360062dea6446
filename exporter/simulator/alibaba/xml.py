"""Render an answer as XML, what Alibaba Cloud's gateway does unless JSON is asked for."""

from xml.sax.saxutils import escape  # nosec B406


def render_xml(root: str, answer: dict[str, object]) -> str:
    """Return the document for a JSON-like answer, its lists as repeated elements."""
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element(root, answer)}'


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    content = _content(value)
    return f"<{name}>{content}</{name}>" if content else f"<{name}/>"


def _content(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dict():
            return "".join(_element(str(name), item) for name, item in value.items())
        case _:
            return escape(str(value))
