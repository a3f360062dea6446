"""Checksums of texts are those of the texts put together, without the texts."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.deflated_text import carry, contribution, join

texts = st.builds(
    lambda start, times: start * times,
    st.binary(min_size=1, max_size=50),
    st.sampled_from([0, 1, 7, 1000, 5000, 20_000]),
)
"""Up to a megabyte each: some are read at once, some are skipped."""


@given(st.lists(texts, max_size=6))
def test_checksum_is_that_of_all_texts_together(told: list[bytes]) -> None:
    checksum = 0
    for text in told:
        checksum = carry(checksum, len(text)) ^ contribution(text)
    assert checksum == zlib.crc32(b"".join(told))


@given(texts, st.lists(texts, max_size=6))
def test_what_texts_add_together_is_what_their_whole_adds(before: bytes, told: list[bytes]) -> None:
    added = size = 0
    for text in told:
        added = join(added, len(text), contribution(text))
        size += len(text)
    assert added == contribution(b"".join(told))
    checksum = carry(zlib.crc32(before), size) ^ added
    assert checksum == zlib.crc32(b"".join((before, *told)))


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 3 * 65_536, 40_000_001])
def test_zeros_are_skipped_as_they_are_read(size: int) -> None:
    assert carry(0x12345678, size) == zlib.crc32(bytes(size), 0x12345678)
