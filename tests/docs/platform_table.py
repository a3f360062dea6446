"""Write which platform tells which metric: `python -m tests.docs.platform_table` after a change.

What a platform tells is what its recorded answers give: the expositions in tests/fixtures.
"""

import re
from pathlib import Path

from exporter import platforms
from exporter.exposition.metrics import JOB_FAMILIES
from tests.docs.pages import LANGUAGES, page
from tests.golden import cases

PAGES = {language: page("docs/metrics.md", language) for language in LANGUAGES}
_BEGIN, _END = "<!-- platforms -->\n", "<!-- end of platforms -->\n"
_HEADS = {"en": "metric", "zh": "指标"}
_BESIDE = {
    ("huawei_dli", "streaming_job_end_timestamp_seconds"),
    ("huawei_dataarts", "streaming_job_created_timestamp_seconds"),
}
"""What is read where an answer has it, and none of those recorded does."""


def told() -> set[tuple[str, str]]:
    """Return pairs of platform and metric."""
    return _BESIDE | {
        (folder.parent.name, name)
        for folder in cases()
        for name in re.findall(
            r"^(streaming_\w+)\{", (folder / "expected.prom").read_text(), re.MULTILINE
        )
    }


def text(language: str) -> str:
    """Return the page with its table as it has to be."""
    names, pairs = platforms.names(), told()
    rows = [[_HEADS[language], *(f"`{name}`" for name in names)], ["---"] * (len(names) + 1)]
    for family in JOB_FAMILIES:
        marks = ["●" if (name, family.name) in pairs else "" for name in names]
        if any(marks):
            rows.append([f"`{family.name}`", *marks])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    before, _, rest = PAGES[language].read_text(encoding="utf-8").partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table}\n\n{_END}{rest.partition(_END)[2]}"


def write(path: Path, language: str) -> None:
    """Write a page anew."""
    path.write_text(text(language), encoding="utf-8")


if __name__ == "__main__":
    for each, file in PAGES.items():
        write(file, each)
