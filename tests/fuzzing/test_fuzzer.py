"""The coverage-guided fuzzer runs, finds a fault, and finds none in the exporter in a short run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RUNS = 600

_FAULTY = """\
import json
import sys
from pathlib import Path
import atheris
from fuzz.run import Limits, run
from fuzz.target import Form, Target

@atheris.instrument_func
def check(data):
    try:
        document = json.loads(data)
    except ValueError:
        return
    if isinstance(document, dict) and "field" in document:
        if isinstance(document["field"], list):
            raise KeyError("found")

target = Target(name="faulty", form=Form.JSON, check=check, covers=(), seeds=())
folder = Path(sys.argv[1])
(folder / "seeds").mkdir()
(folder / "seeds" / "1").write_bytes(b'{"field": 1, "other": "text"}')
limits = Limits(runs=20000, seconds=60, seed=1)
outcome = run(target, limits, folders=[folder / "seeds"], crashes=folder / "crashes")
print(outcome.crashed, outcome.executions > 0)
"""


def _python(*arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    # Measuring coverage beside the fuzzer's own instruments would take many times as long.
    environ = {name: value for name, value in os.environ.items() if "COV" not in name}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def test_short_run_of_every_target_stumbles_over_nothing(tmp_path: Path) -> None:
    done = _python("-m", "fuzz", "--runs", f"{RUNS}", "--work", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    counts = [
        int(text.replace(",", "")) for text in re.findall(r"([\d,]+) executions,", done.stdout)
    ]
    assert len(counts) > 20
    assert all(count >= RUNS for count in counts)


def test_fault_is_found_and_its_input_kept(tmp_path: Path) -> None:
    done = _python("-c", _FAULTY, str(tmp_path))
    assert done.stdout.split() == ["True", "True"], done.stderr
    (crash,) = (tmp_path / "crashes").glob("faulty-crash-*")
    assert isinstance(json.loads(crash.read_bytes())["field"], list)
    assert "KeyError: 'found'" in (tmp_path / "crashes" / "faulty.log").read_text()


def test_target_that_nobody_knows_is_refused() -> None:
    done = _python("-m", "fuzz", "--runs", "1", "nonsense")
    assert done.returncode == 2
    assert "no such target: nonsense" in done.stderr


def test_run_without_an_end_is_refused() -> None:
    done = _python("-m", "fuzz", "duration")
    assert done.returncode == 2
    assert "give --runs or --seconds" in done.stderr
