"""Tests of one group run in one process: a real cluster is started once, and not beside another."""

import subprocess
import sys
from pathlib import Path

_GROUP = """\
import os
import pytest

pytestmark = pytest.mark.xdist_group("one")

@pytest.mark.parametrize("number", range(8))
def test_where(number: int) -> None:
    with open("where", "a") as stream:
        stream.write(os.environ["PYTEST_XDIST_WORKER"] + " ")
"""


def test_group_of_tests_stays_together(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(_GROUP)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    where = (tmp_path / "where").read_text().split()
    assert len(where) == 8
    assert len(set(where)) == 1
