"""Say which sources cannot be rendered, when that begins and when it ends."""

from collections.abc import Mapping

from exporter.process.condition_log import ConditionLog


class UnrenderedSources:
    """Remembers of which sources that was said."""

    def __init__(self, conditions: ConditionLog) -> None:
        self._conditions = conditions
        self._told: frozenset[str] = frozenset()

    def tell(self, reasons: Mapping[str, str]) -> None:
        """Log what is new; `reasons` says by source why it cannot be rendered now."""
        for name in sorted(reasons.keys() | self._told):
            if name in reasons:
                self._conditions.began(
                    f"render {name}",
                    "a source cannot be rendered, keeping its last good lines",
                    source=name,
                    detail=reasons[name],
                )
            else:
                self._conditions.ended(f"render {name}", f"source {name} can be rendered again")
        self._told = frozenset(reasons)
