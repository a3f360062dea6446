"""Write samples as lines of text, exactly as Prometheus' own client library for Python does.

A line of a gauge, a counter or a histogram is the same in the Prometheus text format and in
OpenMetrics; only the headers differ.
"""

from collections.abc import Mapping, Sequence

_PLACE = "%s"
_EXPONENTS = tuple(f"e+{digits - 1:02d}" for digits in range(20))


def escape(value: str) -> str:
    """Escape a label value as both formats want it."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def escape_all(values: Sequence[str]) -> Sequence[str]:
    """Escape many label values; few need it."""
    together = "".join(values)
    if '"' in together or "\\" in together or "\n" in together:
        return tuple(map(escape, values))
    return values


def format_value(value: float) -> str:
    """Write a number as Go does, which is what Prometheus' own clients print."""
    text = repr(value)
    if text in ("inf", "-inf", "nan"):
        return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[text]
    dot = text.find(".")
    if value > 0 and dot > 6:
        return f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.") + _EXPONENTS[dot]
    return text


def format_number(value: float) -> str:
    """Write a number like `format_value`, but faster when it is small or has milliseconds."""
    if -1e6 < value < 1e6:
        return repr(value)
    if 1e6 <= value < 1e12:
        # Up to fifteen digits that give the number back are its shortest form: no two numbers of
        # so few digits are the same to a computer.
        milliseconds = int(value * 1000 + 0.5)
        if milliseconds / 1000 == value:
            digits = str(milliseconds)
            mantissa = f"{digits[0]}.{digits[1:]}".rstrip("0.")
            return mantissa + _EXPONENTS[len(digits) - 3]
    return format_value(value)


class LineWriter:
    """Write the lines of one family for one fixed set of leading labels.

    Labels come out sorted by name. What is known beforehand is escaped and put into place once;
    only the remaining values are filled in per sample.
    """

    __slots__ = ("_name", "_order", "_remaining", "_template")

    def __init__(self, name: str, fixed: Mapping[str, str], remaining: tuple[str, ...]) -> None:
        if set(fixed) & set(remaining) or len(set(remaining)) != len(remaining):
            raise ValueError(f"{name}: a label is given twice")
        self._name = name
        self._remaining = len(remaining)
        names = sorted((*fixed, *remaining))
        self._order = tuple(remaining.index(label) for label in names if label in remaining)
        pairs = (
            f'{label}="{escape(fixed[label]).replace("%", "%%") if label in fixed else _PLACE}"'
            for label in names
        )
        self._template = (f"{name}{{{','.join(pairs)}}}" if names else name) + f" {_PLACE}\n"

    def lines(self, columns: Sequence[Sequence[str]], text: str) -> str:
        """Return many lines of the same number, from one column for each remaining label."""
        ordered = [escape_all(columns[place]) for place in self._order]
        template = self._template.removesuffix(f"{_PLACE}\n") + f"{text}\n"
        return "".join(map(template.__mod__, zip(*ordered, strict=True)))

    def line(self, values: tuple[str, ...], number: float) -> str:
        """Return one line. Raises ValueError when the number of labels is not the family's."""
        if len(values) != self._remaining:
            raise ValueError(f"{self._name}: expected {self._remaining} label values: {values}")
        values = tuple(escape_all(values))
        return self._template % (*[values[place] for place in self._order], format_number(number))
