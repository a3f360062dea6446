"""Make up values, changes to documents, and documents that no one would send on purpose."""

from typing import Any

from hypothesis import strategies as st

from fuzz.changes import HOSTILE, Change, How

json_values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(HOSTILE)
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=20)
    | st.text(st.characters(categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
"""Anything that JSON can spell, and some that Python's reader of JSON takes beyond that."""

changes = st.lists(
    st.builds(Change, st.integers(0, 1 << 16), st.sampled_from(How), json_values),
    min_size=1,
    max_size=4,
)
"""A few changes to make to a document."""
