"""The page about faults is the matrix, and the matrix has every operation."""

import re
from pathlib import Path

import pytest

from exporter import platforms
from exporter.vendors.flink_operator.resources import DEPLOYMENTS
from tests.faults import document
from tests.faults.matrix import FAULTS, UNLESS
from tests.faults.operations import OPERATIONS

_ANSWERED_AS_ANOTHER = {
    "AssumeAgencyForPodIdentity",
    "AssumeAgencyWithOIDC",
    "CreateTemporaryAccessKeyByAgency",
    "CreateTemporaryAccessKeyByToken",
    "CreateUnscopedTokenWithIdToken",
    "KeystoneCreateAgencyToken",
}
"""Trades of one identity for another, whose answers are read as those of AssumeAgency."""
EXPORTER = Path(platforms.__file__).parent.parent


@pytest.mark.parametrize("path", document.PAGES, ids=lambda path: path.parent.name)
def test_page_says_what_the_matrix_says(path: Path) -> None:
    """What nobody has translated is named by a KeyError."""
    assert path.read_text(encoding="utf-8") == document.page(path)


def test_names_of_faults_are_unique() -> None:
    names = [fault.name for fault in FAULTS]
    assert sorted(set(names)) == sorted(names)


def test_every_exception_of_the_matrix_is_about_a_fault_and_an_operation() -> None:
    for special in UNLESS:
        assert any(re.fullmatch(special.faults, fault.name) for fault in FAULTS)
        assert any(special.covers(operation) for operation in OPERATIONS)


def test_every_platform_and_every_operation_that_the_source_names_is_in_the_matrix() -> None:
    assert {operation.platform for operation in OPERATIONS} == set(platforms.names())
    named: set[str] = set()
    for path in sorted(EXPORTER.glob("platforms/*.py")) + sorted(EXPORTER.rglob("vendors/**/*.py")):
        text = path.read_text()
        named |= set(
            re.findall(
                r'^[A-Z_]+ = "((?:List|Batch|Show|Describe|GetMoni)\w+|/(?:jobs|config)[\w/:]*)"$',
                text,
                re.M,
            )
        )
        named |= set(re.findall(r'^[A-Z_]+ = "(/(?:connectors|health)[\w/{}]*)"$', text, re.M))
        named |= set(re.findall(r'\.ask\(\s*"(\w+)"', text))
        named |= set(re.findall(r'operation="(\w+)"', text))
    for path in sorted(EXPORTER.glob("auth/huawei/*.py")):
        named |= set(re.findall(r'^(?:\w+_)?OPERATION = "(\w+)"', path.read_text(), re.M))
    for path in (*EXPORTER.glob("auth/aws/*.py"), *EXPORTER.glob("vendors/aws/*.py")):
        found = re.findall(r'^[A-Z_]+ = "((?:Assume|Describe|Get)\w+)"$', path.read_text(), re.M)
        named |= set(found)
    for name in ("sts", "instance"):
        text = (EXPORTER / f"auth/alibaba/{name}.py").read_text()
        named |= set(re.findall(r'^(?:OPERATION|ASSUME_\w+) = "(\w+)"', text, re.M))
    named |= {f"{verb} {DEPLOYMENTS.resource}" for verb in ("list", "get")}
    named -= _ANSWERED_AS_ANOTHER
    # Through a proxy the same questions are asked by another way.
    assert named == {operation.name.removeprefix("FlinkApiProxy ") for operation in OPERATIONS}
