"""The table of what two exporters tell is the same in both languages."""

from tests.docs.pages import in_chinese
from tests.e2e import two_exporters_table


def test_chinese_table_is_the_english_one_translated() -> None:
    english, chinese = two_exporters_table.PAGES
    assert chinese == in_chinese(english)
    rows = two_exporters_table.rows(english)
    assert len(rows) == 6
    for path in (english, chinese):
        assert two_exporters_table.page(path, rows) == path.read_text()
