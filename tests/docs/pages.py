"""Name the documents that exist in two languages, and find the same place in the other one."""

from pathlib import Path
from urllib.parse import unquote

from tests.docs.markdown import Section, sections

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
ENGLISH = (
    ROOT / "README.md",
    ROOT / "deploy" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "runbooks").glob("*.md")),
)


def in_chinese(path: Path) -> Path:
    """Return where the Chinese text of an English document is."""
    if path.name == "README.md" and path.parent.name != "runbooks":
        return path.with_name("README.zh.md")
    return path.parent / "zh" / path.name


CHINESE = {in_chinese(path): path for path in ENGLISH}
"""The English document of each Chinese one."""


def named(path: Path) -> str:
    """Return the name of a document in the project."""
    return str(path.relative_to(ROOT))


def page(name: str, language: str) -> Path:
    """Return a document by its English name, in a language."""
    path = ROOT / name
    return path if language == "en" else in_chinese(path)


def part(name: str, title: str, language: str) -> Section:
    """Return the section of a document that has this title in English."""
    titles = [section.title for section in sections(ROOT / name)]
    return sections(page(name, language))[titles.index(title)]


def whole(name: str, title: str, language: str) -> list[Section]:
    """Return a section with those below it."""
    english = sections(ROOT / name)
    first = [section.title for section in english].index(title)
    after = first + 1
    while after < len(english) and english[after].level > english[first].level:
        after += 1
    return list(sections(page(name, language))[first:after])


def target(path: Path, link: str) -> tuple[Path | str, int | None]:
    """Return where a link of a document leads: a file, and which heading of it.

    Raises ValueError when there is no such heading.
    """
    if "://" in link or link.startswith("mailto:"):
        return link, None
    name, _, anchor = unquote(link).partition("#")
    file = (path.parent / name).resolve() if name else path
    if not anchor:
        return file, None
    return file, [section.anchor for section in sections(file)].index(anchor)
