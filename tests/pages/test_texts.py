"""Every text of the pages stands in one table a language, whole in each, and nowhere else."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import exporter.pages
from exporter.model import Condition, ProblemKind, State
from exporter.pages.languages import Language
from exporter.pages.query import Sort
from exporter.pages.reader import WORDS
from exporter.pages.texts.chinese import CHINESE
from exporter.pages.texts.english import ENGLISH
from exporter.pages.texts.words import Plural, Texts, Words

PAGES = Path(exporter.pages.__file__).parent
TEMPLATES = sorted((PAGES / "templates").glob("*.html"))
MODULES = sorted(PAGES.glob("*.py"))
TABLES = {"english": ENGLISH, "chinese": CHINESE}
FAMILIES = {
    *(f"state_{state.value}" for state in State),
    *(f"condition_{condition.value}" for condition in Condition),
    *(f"problem_{kind.value}" for kind in ProblemKind),
    *(f"column_{sort.value}" for sort in Sort if sort is not Sort.ATTENTION),
    *(f"health_{word}" for word in ("up", "down", "waiting")),
    *(f"group_{word}" for word in ("state", "run", "health", "records", "error", "job")),
}
"""Texts whose keys are made of the words of a vocabulary."""
READ_ALOUD = re.compile(
    r"""\b(?:title|alt|placeholder|aria-label|content|value|label|data-(?!key|soft|top)[a-z-]+)"""
    r"""="([^"]*)\""""
)
NOT_READ = {
    # For browsers.
    *("width=device-width, initial-scale=1", "light dark"),
}


def _forms(text: str | Plural) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _names(text: str) -> set[str]:
    """Return what is put into a text; of plain names only, so that no text reads attributes."""
    names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    assert all(name.isidentifier() for name in names), text
    assert all(
        not spec and not conversion for _, _, spec, conversion in string.Formatter().parse(text)
    )
    return names


def test_tables_hold_the_same_texts() -> None:
    assert list(ENGLISH) == list(CHINESE)
    assert set(WORDS) == set(Language)


@pytest.mark.parametrize("key", ENGLISH)
def test_text_takes_the_same_values_in_every_language(key: str) -> None:
    wanted = _names(_forms(ENGLISH[key])[-1])
    for table in TABLES.values():
        for form in _forms(table[key]):
            assert form
            assert _names(form) == wanted
            assert not set("<>&") & set(form)


def test_chinese_has_one_form_for_every_number_and_english_two_that_differ() -> None:
    assert all(isinstance(text, str) for text in CHINESE.values())
    for text in ENGLISH.values():
        if not isinstance(text, str):
            assert text.one != text.other
            assert "{count}" in text.one


def test_chinese_is_chinese_and_punctuated_as_such() -> None:
    for key, text in CHINESE.items():
        assert isinstance(text, str)
        plain = re.sub(r"\{\w+\}", "", text)
        if key in ("product", "other_language", "fact_id") or not plain.strip():
            continue
        assert re.search(r"[\u3000-\u9fff（）：；，%]", plain), (key, text)
        assert not re.search(r"[\u4e00-\u9fff] ?[,:;!?]|[,:;!?] ?[\u4e00-\u9fff]", plain), text
        # A number or a Latin word stands apart from the characters around it.
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", plain), text


def test_states_of_the_interface_have_their_own_names_in_english() -> None:
    for word in (*State, *Condition):
        assert WORDS[Language.ENGLISH].gloss(word) == ""
        assert WORDS[Language.ENGLISH].glossed(word) == word.value
        gloss = WORDS[Language.CHINESE].gloss(word)
        assert gloss
        assert WORDS[Language.CHINESE].glossed(word) == f"{word.value}（{gloss}）"


def _asked_for() -> set[str]:
    found = set()
    for path in TEMPLATES:
        text = path.read_text()
        found |= set(re.findall(r'\bwords\["([a-z_]+)"\]', text))
        found |= set(re.findall(r"""\bwords\.(?:say|count|marked)\("([a-z_]+)\"""", text))
    for path in MODULES:
        found |= {word for word in re.findall(r'"([a-z_]+)"', path.read_text()) if word in ENGLISH}
    words = (PAGES / "texts" / "words.py").read_text()
    return found | set(re.findall(r'\.say\("([a-z_]+)"', words))


def test_every_text_is_asked_for_and_every_text_that_is_asked_for_is_there() -> None:
    asked = _asked_for()
    assert asked - set(ENGLISH) == set()
    assert set(ENGLISH) - asked - FAMILIES == set()
    assert FAMILIES - set(ENGLISH) == set()


def _spoken(node: nodes.Node) -> Iterator[str]:
    """Return the texts that stand in the expressions of a template and may be shown."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, nodes.Compare | nodes.Getitem | nodes.Filter):
        return
    for child in node.iter_child_nodes():
        # Arguments are keys of texts, names of files, and what makes up attributes.
        if not isinstance(node, nodes.Call) or child is node.node:
            yield from _spoken(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_text(path: Path) -> None:
    source = path.read_text()
    tree = Environment().parse(source)
    data = []
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                data.append(node.data)
            else:
                data.append("{}")
                assert not any(map(_has_letters, _spoken(node))), f"{node}"
    markup = "".join(data)
    for value in READ_ALOUD.findall(markup):
        assert value in NOT_READ or not _has_letters(value), value
    bare = re.sub(r"<[^<>]*>", "", re.sub(r"(?s)<!doctype html>", "", markup))
    # What is left of tags that hold an expression between two pieces of data.
    assert not _has_letters(bare), bare


def _has_letters(text: str) -> bool:
    return any(character.isalpha() for character in text)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_no_table_can_be_changed(table: Texts) -> None:
    with pytest.raises(TypeError):
        table["jobs"] = ""  # type: ignore[index]


def test_script_holds_no_text() -> None:
    script = (PAGES / "static" / "live.js").read_text()
    plain = re.sub(r"(?m)^\s*(?://|/\*\*|\*).*$", "", script)
    names = ("not a page of ours", "zone utc")  # An error that nobody sees, and two classes.
    for double, template in re.findall(r'"([^"\n]*)"|`([^`]*)`', plain):
        text = double or re.sub(r"\$\{[^}]*\}", "", template)
        # A text has several words, or a capital; no name of a thing here has.
        text_like = re.search(r"[A-Za-z]{2,} [a-z]{2,}|^[A-Z][a-z]+$", text)
        assert not text_like or text in names, text


def test_values_are_escaped_where_a_text_is_shown_as_html() -> None:
    words = Words({"text": "{name} is it"})
    assert words.marked("text", name="<b>") == "&lt;b&gt; is it"
    assert words.say("text", name="{name}") == "{name} is it"
