"""Do what takes long in steps, so that whoever runs them can do other things in between."""

from collections.abc import Generator
from typing import TypeVar

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
