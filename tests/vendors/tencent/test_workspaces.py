"""Work spaces are read from a list that is called an item; those not usable are none."""

from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.vendors.tencent.workspaces import parse_workspaces


def read(flaws: Flaws | None = None, **response: Any) -> list[str]:
    return [name for _, name in parse_workspaces(response, flaws or Flaws()).rows]


def test_usable_work_spaces_are_told_and_those_of_which_nothing_is_said() -> None:
    rows = [
        {"SerialId": "space-1", "Status": 2},
        {"SerialId": "space-old", "Status": -1},
        {"SerialId": "space-raw", "Status": 1},
        {"WorkSpaceId": "space-2"},
    ]
    assert read(WorkSpaceSetItem=rows, TotalCount=4) == ["space-1", "", "", "space-2"]


def test_row_without_an_id_is_noted_and_still_a_row() -> None:
    flaws = Flaws()
    page = parse_workspaces({"WorkSpaceSetItem": [{"Status": 2}, "x"], "TotalCount": 9}, flaws)
    assert (page.rows, page.size, page.total, flaws.unreadable_count) == ((), 2, 9, 2)


def test_account_without_work_spaces_may_have_no_list() -> None:
    assert read(WorkSpaceSetItem=None, TotalCount=0) == []


@pytest.mark.parametrize("rows", [None, {}, "x"])
def test_answer_without_a_list_is_no_account_without_work_spaces(rows: object) -> None:
    with pytest.raises(UnreadableError):
        read(WorkSpaceSetItem=rows, WorkSpaceSet=[{"SerialId": "space-1"}], TotalCount=1)
