"""List every target, and the inputs kept for each."""

import json
from collections.abc import Iterable, Iterator

from fuzz import (
    answers,
    aws,
    inputs,
    kafka_connect,
    kubernetes_services,
    logins,
    operator,
    tencent,
    yarn_answers,
)
from fuzz.target import ROOT, Target


def all_targets() -> dict[str, Target]:
    """Return every target by name."""
    apis = (answers, aws, inputs, operator, yarn_answers, kubernetes_services)
    parts = (*apis, kafka_connect, logins, tencent)
    return {target.name: target for part in parts for target in part.targets()}


def inputs_of(target: Target) -> Iterator[bytes]:
    """Yield every input there is for a target: good ones, the corpus, and what was mended."""
    for pattern in target.seeds:
        for path in sorted(ROOT.parent.glob(pattern)):
            yield path.read_bytes()
    yield from target.examples
    if target.corpus.exists():
        # One line each, in which a character stands for a byte.
        for line in target.corpus.read_text("utf-8").splitlines():
            yield json.loads(line).encode("latin-1")
    if target.regressions.is_dir():
        for path in sorted(target.regressions.iterdir()):
            yield path.read_bytes()


def keep(target: Target, inputs: Iterable[bytes]) -> None:
    """Make these inputs the corpus of a target."""
    target.corpus.parent.mkdir(exist_ok=True)
    lines = sorted(json.dumps(each.decode("latin-1")) for each in inputs)
    target.corpus.write_text("".join(f"{line}\n" for line in lines), "utf-8")
