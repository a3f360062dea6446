"""Expressions mean what Python means by them, and no name makes one slow."""

import re
import time
import warnings

import pytest

from exporter.errors import SlowExpressionError
from exporter.expressions import LONGEST_MATCH, Expression

NAMES = [
    *(
        "",
        "a",
        "ab",
        "aaa",
        "b",
        "c",
        "bac",
        "abc",
        "a-b",
        "orders_1",
        "a-b-c-prod",
        "!a",
        "STRASSE",
    ),
    *("订单-a", "订单", "٣", "Äö", "äö", "é", "straße", "ⅷ", "²", "½", "ı", "\u212a", "\u200b"),
    *("a\n", "a\nb", "x x", "xx", " ", "\xa0", "\u2028", "\u3000", "\x1c", "\x85", "\t", "\x0b"),
    *("-", "_", "]", "[", "[]", "l]", "\\w", "\\", "w", "\\]", "a]b", "{,3}", "{", "3", "A", "\0"),
]


@pytest.mark.parametrize(
    "text",
    [
        *(r".*-.*-.*-prod", r"\w+", r"\d+", r"[\w-]+", r"\s", r"\S+", r"[^\d]+", r"[\D]", r"\W\w"),
        *(r"a\Z", r"\Aab", r"a{,3}", r"[]a]+", r"[^]a]+", r"[a[b]", r"\u8ba2\u5355.*", r"(?i)ÄÖ"),
        *(r"\é", r"[\]\[]+", r"(?P<n>a)b", r"x{2}", r"\{,3\}", r"[{,3}]+", r"a.b", r"a$", r"^a$"),
        *(r"\t", r"[\t ]", r"\-", r"a|b|", r"(?:a|b)*?c", r"[^\w]", r"[^\s]", r"(?s)a.b", r"\x41"),
        *(r"(?i:straße)", r"\0", r"[\0-\037]", r"\\w", r"[\\w]", r"\\[a]", r"[a\]b]", "订单(-a)?"),
        *(r"(?i)k", r"\U00008ba2.*", r"[\u8ba2单]+", r".", r"(?m)^a$", r"a{1,2}b?"),
    ],
)
def test_means_what_python_means_by_it(text: str) -> None:
    """A dot stands for line breaks as well: some names are whole statements."""
    expression = Expression(text)
    expected = [name for name in NAMES if re.fullmatch(text, name, re.DOTALL)]
    assert [name for name in NAMES if expression.matches(name)] == expected


@pytest.mark.filterwarnings("ignore:Possible")
@pytest.mark.parametrize("text", ["[[a]", "[+--b]", "[a||b]", "[a&&b]", "[a~~b]", "[[]a]"])
def test_sets_that_may_mean_something_else_one_day_mean_what_they_do_now(text: str) -> None:
    expected = [name for name in NAMES if re.fullmatch(text, name, re.DOTALL)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expression = Expression(text)
    assert [name for name in NAMES if expression.matches(name)] == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (r"^(?!test-).*", "look-around, backreferences and the like are not supported"),
        (r"(?<=a)b", "look-around, backreferences and the like are not supported"),
        (r"(a)\1", "look-around, backreferences and the like are not supported"),
        (r"(?P<x>a)(?P=x)", "look-around, backreferences and the like are not supported"),
        (r"(?x) a", "look-around, backreferences and the like are not supported"),
        (r"a++", "not supported: bad repetition operator: ++"),
        (r"[\W-]", r"not supported: \W within a set"),
        (r"[^\S]", r"not supported: \S within a set"),
        (r"a{1001}", "not supported: invalid repetition size: {1001}"),
        (r"(?:\w?){999}", "not supported: pattern too large"),
        ("\ud800", "not a text"),
        (r"\p{Han}", r"bad escape \p at position 0"),
        ("*", "nothing to repeat at position 0"),
    ],
)
def test_what_cannot_be_matched_is_said_when_it_is_read(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        Expression(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (".*-.*-.*-prod", "-" * 1024),
        ("(a+)+b", "a" * 1024),
        ("(x+x+)+y", "x" * 1024),
        ("(.*a){12}b", "a" * 1024),
        (r"(\w+\s?)*!", "订" * 1024),
        ("(a|aa)+$", "a" * 1023 + "b"),
        (r"([a-z]+)*\d", "a" * 1024),
        # RE2 keeps account of many places at once: for these it can keep no table of them.
        ("(?:.?){1000}x", "-" * 1024),
        ("(?:(?:a?){30}){30}x", "a" * 1024),
        ("(?:.*[ab].{100}){9}x", "ab" * 512),
    ],
)
def test_no_name_takes_long(text: str, name: str) -> None:
    expression = Expression(text)
    began = time.thread_time()
    assert not expression.matches(name)
    assert time.thread_time() - began < LONGEST_MATCH


def test_what_takes_long_all_the_same_is_named() -> None:
    ticks = iter((0.0, LONGEST_MATCH, 1.0, 1.0 + LONGEST_MATCH * 1.01))
    expression = Expression("a.*" + "b" * 200, cpu_time=lambda: next(ticks))
    assert not expression.matches("a")
    with pytest.raises(SlowExpressionError, match=r"the expression 'a\.\*bbb.*…' takes too long"):
        expression.matches("a")


def test_name_that_is_no_text_matches_as_far_as_it_can_be_read() -> None:
    assert Expression("a.").matches("a\ud800")
