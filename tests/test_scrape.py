"""The quick reader of pages reads what the client library reads, and refuses what is unsound."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.scrape import samples

PAGE = r"""# HELP a_total what "it" is
# TYPE a_total counter
a_total 5.0
a_bucket{le="+Inf"} 2
b{x="",y="quote \" slash \\ n \\n line \n end, {z=\"1\"} "} -1.5e+06
b{x="é 漢",y="} 5"} NaN
# EOF
"""


def test_what_is_read_is_what_the_client_library_reads() -> None:
    theirs = [
        (sample.name, sample.labels, str(float(sample.value)))
        for family in text_string_to_metric_families(PAGE)
        for sample in family.samples
    ]
    assert [(name, labels, str(value)) for name, labels, value in samples(PAGE)] == theirs
    assert len(theirs) == 4


def test_some_families_can_be_asked_for() -> None:
    assert [sample.value for sample in samples(PAGE, "a_total")] == [5.0]


@pytest.mark.parametrize(
    "line",
    ["a", "a{} 1", 'a{x="1} 1', 'a{x="1"}1', 'a{x="\\q"} 1', 'a{1="x"} 1', "a 1 2", "a one", ""],
)
def test_line_that_is_no_sample_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"no sample|not convert"):
        list(samples(f"{line}\nb 1\n"))


def test_series_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice: a"):
        list(samples('a{x="1"} 1\na{x="1"} 2\n'))
