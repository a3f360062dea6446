"""Bugs planted on purpose, by what they get wrong: rules that do not catch them are too weak."""

from tests.histories.planted_bugs.gone import GONE_BUGS
from tests.histories.planted_bugs.jobs import BUGS
from tests.histories.planted_bugs.problems import PROBLEM_BUGS

ALL = (*BUGS, *GONE_BUGS, *PROBLEM_BUGS)
