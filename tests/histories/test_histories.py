"""Random histories break no rule."""

import os

import pytest

from tests.histories.telling import tell_many

_PORTIONS = 6
"""Each is drawn anew: what hypothesis draws later resembles what it drew before."""
_COUNT = int(os.environ.get("HISTORIES", "120"))


@pytest.mark.parametrize("portion", range(_PORTIONS))
def test_no_rule_is_broken(portion: int) -> None:
    story = tell_many(_COUNT // _PORTIONS, first=portion)
    assert story is None, str(story)
