"""Objects of Kubernetes that stand in the documents are what every supported version takes."""

import pytest

from tests.docs.written import documents, written
from tests.packaging.tools import judge

pytestmark = pytest.mark.packaging


def test_objects_in_the_documents_are_strictly_valid() -> None:
    shown = {each.name: documents(each.block.text) for each in written("kubernetes")}
    assert shown
    verdicts = judge(shown)
    assert {name: wrong for name, wrong in verdicts.items() if wrong} == {}
