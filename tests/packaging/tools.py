"""Run the tools of .venv-packaging and of node_modules, and say what is missing otherwise."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.deploy.manifests import CHART, KUBERNETES, Json, documents

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
TOOLS = ROOT / ".venv-packaging" / "bin"
HELMS = ("helm3", "helm4")
SETUP = "run: make test-packaging, or scripts/setup-packaging"


def run(
    tool: str, *arguments: str, cwd: Path = ROOT, given: str | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a tool of the environment; the caller judges its exit code."""
    path = TOOLS / tool
    assert path.exists(), f"{tool}: {SETUP}"
    return subprocess.run(
        [str(path), *arguments],
        cwd=cwd,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def output(tool: str, *arguments: str, cwd: Path = ROOT) -> str:
    """Return what a tool prints; it has to succeed, and to warn of nothing."""
    done = run(tool, *arguments, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def node(script: str, *arguments: str, given: str = "") -> list[str]:
    """Run a script beside this module; return the lines it prints, one for each thing wrong."""
    assert (HERE / "node_modules" / "typescript").is_dir(), SETUP
    done = subprocess.run(
        ["node", str(HERE / script), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@cache
def _kustomize(folder: Path) -> str:
    return output("kubectl", "kustomize", str(folder))


def kustomize(way: str) -> list[Json]:
    """Return the objects of an overlay."""
    return documents(_kustomize(KUBERNETES / "overlays" / way))


def kustomize_all(way: str, copy: Path) -> list[Json]:
    """Return the objects of an overlay with all components, as its last lines say how.

    It is done in a copy of the whole, at a path that does not exist yet.
    """
    subprocess.run(["cp", "-r", str(KUBERNETES), str(copy)], check=True)
    path = copy / "overlays" / way / "kustomization.yml"
    *lines, last = path.read_text().splitlines()
    assert last.startswith("# components: ")
    path.write_text("\n".join([*lines, last.removeprefix("# ")]) + "\n")
    return documents(_kustomize(path.parent))


@cache
def _template(helm: str, values: str, settings: tuple[str, ...], release: str) -> str:
    arguments = [word for each in settings for word in ("--set", each)]
    return output(
        helm,
        *("template", release, str(CHART), "--namespace", "monitoring"),
        *("--values", str(CHART / "ci" / f"{values}.yaml"), *arguments),
    )


def template(
    values: str,
    *settings: str,
    helm: str = HELMS[-1],
    release: str = "streaming-job-exporter",
) -> list[Json]:
    """Return the objects of the chart with the values of that name, and some more."""
    return documents(_template(helm, values, settings, release))


def every_values() -> list[str]:
    """Return the names of the files of values that there are."""
    return sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))


def judge(made: Mapping[str, Sequence[Json]]) -> dict[str, list[str]]:
    """Return by name what is wrong with objects, strictly, in any supported version of Kubernetes.

    All are judged at once, and the same object once: to read the schemas takes the most time.
    """
    texts = list(dict.fromkeys(json.dumps(each) for objects in made.values() for each in objects))
    ours = [text for text in texts if '"apiVersion": "monitoring.coreos.com/' in text]
    theirs = [text for text in texts if text not in ours]
    done = run("python", str(HERE / "kubernetes_schemas.py"), given=f"[{','.join(theirs)}]")
    assert done.returncode == 0, done.stderr
    wrong: dict[str, list[str]] = {}
    for lines, judged in (
        (done.stdout.splitlines(), theirs),
        (node("monitoring.mjs", given=f"[{','.join(ours)}]") if ours else [], ours),
    ):
        for line in lines:
            number = re.match(r"object(\d+)", line)
            assert number is not None, line
            wrong.setdefault(judged[int(number[1])], []).append(line)
    return {
        name: [line for each in objects for line in wrong.get(json.dumps(each), [])]
        for name, objects in made.items()
    }
