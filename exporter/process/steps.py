"""Do long work in steps, so that whoever runs it can do other things in between."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from operator import le
from typing import Any, TypeVar

_RUN = 2000
"""Items that are sorted at once."""

_T = TypeVar("_T")
Steps = Generator[None, None, _T]
"""Work in steps of some milliseconds each; the result comes with the last one."""


def finished(steps: Steps[_T]) -> _T:
    """Do all steps at once; return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _T = end.value
            return result


async def in_steps(steps: Steps[_T]) -> _T:
    """Do the steps and let others have their turn in between."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _T = end.value
            return result
        await asyncio.sleep(0)


def sorted_in_steps(items: Sequence[_T], *, key: Callable[[_T], Any]) -> Steps[list[_T]]:
    """Return the items in the order of their keys, those of one key in the order they had."""
    if len(items) <= _RUN:
        return sorted(items, key=key)
    keys: list[Any] = []
    in_order = True
    for start in range(0, len(items), _RUN):
        keys += map(key, items[start : start + _RUN])
        before = max(start - 1, 0)
        # They are at nearly every poll, and to find that out takes a fifth of the time.
        in_order = in_order and all(map(le, keys[before:], keys[before + 1 :]))
        yield
    if in_order:
        return list(items)
    runs = []
    for start in range(0, len(items), _RUN):
        part = range(start, min(start + _RUN, len(items)))
        # With their places, since nothing says that items can be compared.
        runs.append(sorted((keys[place], place, items[place]) for place in part))
        yield
    while len(runs) > 1:
        merged = []
        for first in range(0, len(runs), 2):
            # What is sorted in two halves takes one comparison an item.
            merged.append(sorted([each for run in runs[first : first + 2] for each in run]))
            yield
        runs = merged
    ordered = [item for _, _, item in runs[0]]
    yield
    return ordered
