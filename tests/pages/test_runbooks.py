"""The runbooks come with the exporter, and every problem leads to its own."""

import re
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from exporter.model import ProblemKind
from exporter.pages.languages import Language
from exporter.pages.runbooks import runbook_link, runbooks
from tests.serving.web_site import Site

ROOT = Path(__file__).parents[2] / "docs" / "runbooks"
FOLDERS = {"": ROOT, "zh": ROOT / "zh"}


@pytest.mark.parametrize("language", ["", "zh"])
def test_every_runbook_is_served_as_text_with_and_without_the_ending_of_its_file(
    language: str,
) -> None:
    site = Site()
    paths = sorted(FOLDERS[language].glob("*.md"))
    assert len(paths) > 20
    base = f"/runbooks/{language}/" if language else "/runbooks/"
    for path in paths:
        for name in (path.stem, path.name):
            answer = site.ask(base + name)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert answer.content == path.read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        *("/runbooks", "/runbooks/", "/runbooks/zh", "/runbooks/zh/", "/runbooks/Nothing"),
        *("/runbooks/.", "/runbooks/%2e%2e", "/runbooks/..%2frouting.py"),
        *("/runbooks/zh/..%2fREADME", "/runbooks/%2fetc%2fpasswd", "/runbooks/streamingjobfailed"),
        *("/runbooks/en/README", "/runbooks/README.md.md", "/runbooks/README%00", "/runbooks/.md"),
        *("/runbooks//README", "/runbooks/zh/zh/README", "/runbooks/README/"),
    ],
)
def test_no_other_name_leads_anywhere(path: str) -> None:
    assert Site().ask(path).status_code == 404


@pytest.mark.parametrize("path", ["/runbooks/", "/runbooks/zh/"])
def test_links_among_runbooks_work_where_they_are_served(path: str) -> None:
    site, followed = Site(), 0
    for language, name in runbooks():
        if name.endswith(".md") or path != (f"/runbooks/{language}/" if language else "/runbooks/"):
            continue
        text = site.ask(path + name).text
        for target in re.findall(
            r"\]\(((?:\.\./|zh/)?(?:README|Streaming\w+)\.md)(?:#[^)]*)?\)", text
        ):
            assert site.ask(urljoin(path + name, target)).status_code == 200, (name, target)
            followed += 1
    assert followed > 60


@pytest.mark.parametrize("kind", ProblemKind)
@pytest.mark.parametrize("language", Language)
def test_every_problem_leads_to_its_runbook_if_there_is_one(
    kind: ProblemKind, language: Language
) -> None:
    link = runbook_link(kind, language)
    assert link or kind in (
        *(ProblemKind.GONE, ProblemKind.FAR_BEHIND, ProblemKind.CHECKPOINTS_FAILING),
        ProblemKind.UNKNOWN_STATE,
    )
    if link:
        answer = Site().ask(str(httpx.URL(f"/{link}")))
        assert answer.status_code == 200
        assert answer.text.startswith(f"# {link.rpartition('/')[2]}\n")
