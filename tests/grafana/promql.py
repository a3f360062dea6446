"""Read PromQL with a parser of its own, so that rules can be about selectors and functions."""

from collections.abc import Iterator

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from tests.grafana.boards import fill_in

RATE_INTERVAL = "4321s"
"""Stands for `$__rate_interval`, and is no range that anybody would write."""
_STAND_INS = {
    "__rate_interval": RATE_INTERVAL,
    "__interval": "5432s",
    "__range": "9876s",
    "__range_s": "9876",
}


class _Kept(dict[str, str]):
    """Leave variables of the dashboard as they are: they stand in texts only."""

    def __missing__(self, name: str) -> str:
        return f"${name}"


def parse(expr: str) -> Expr:
    """Parse an expression of a dashboard. Raises ValueError."""
    return promql_parser.parse(fill_in(expr, _Kept(_STAND_INS)))


def walk(node: Expr, *above: Expr) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    """Yield each node with those above it, the nearest last."""
    yield node, above
    for child in _children(node):
        yield from walk(child, *above, node)


def selectors(node: Expr) -> Iterator[tuple[VectorSelector, tuple[Expr, ...]]]:
    """Yield each selector, with or without a range, with the nodes above it."""
    for each, above in walk(node):
        if isinstance(each, VectorSelector):
            yield each, above


def matchers(selector: VectorSelector) -> set[tuple[str, str, str]]:
    """Return label, operator and value of each matcher."""
    return {
        (matcher.name, str(matcher.op).rpartition(".")[2], matcher.value)
        for matcher in selector.matchers.matchers
    }


def _children(node: Expr) -> list[Expr]:
    if isinstance(node, BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, AggregateExpr | ParenExpr | SubqueryExpr | UnaryExpr):
        return [node.expr]
    if isinstance(node, Call):
        return list(node.args)
    if isinstance(node, MatrixSelector):
        return [node.vector_selector]
    return []
