"""Read the query parameters of the simulated Huawei services as strictly as those do."""

from collections.abc import Callable, Collection, Mapping

from exporter.simulator.huawei.refusal import HuaweiRefusal

Invalid = Callable[[str], HuaweiRefusal]


def read_count(
    query: Mapping[str, str], name: str, default: int, maximum: int | None, invalid: Invalid
) -> int:
    """Read a number from 0 up to `maximum`. Raises what `invalid` makes of the name."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise invalid(name)
    if maximum is not None and int(text) > maximum:
        raise invalid(name)
    return int(text)


def read_choice(
    query: Mapping[str, str], name: str, default: str, choices: Collection[str], invalid: Invalid
) -> str:
    """Read one of a few words. Raises what `invalid` makes of the name."""
    text = query.get(name, default)
    if text not in choices:
        raise invalid(name)
    return text
