"""Turn what a page says into HTML.

Templates escape everything that is put into them, and an unknown name in one is an error.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from exporter import __version__
from exporter.pages.changes import ChangeRow
from exporter.pages.colours import LOOKS, stylesheet
from exporter.pages.details import Details
from exporter.pages.formatting import moment, visible
from exporter.pages.overview import Overview
from exporter.pages.query import Query
from exporter.pages.reader import Reader
from exporter.pages.runbooks import runbooks
from exporter.pages.unseen import Unseen

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def assets() -> dict[str, tuple[bytes, str]]:
    """Return the files that the pages need, by name, with their types."""
    folder = files("exporter.pages") / "static"
    found = {}
    for entry in folder.iterdir():
        kind = entry.name.rpartition(".")[2]
        if kind in _TYPES:
            body = entry.read_text(encoding="utf-8")
            if kind == "css":
                body = stylesheet() + body
            found[entry.name] = (body.encode(), f"{_TYPES[kind]}; charset=utf-8")
    return found


@cache
def asset_link(name: str) -> str:
    """Return the address of a file of ours, which changes when the file does."""
    return f"static/{name}?v={hashlib.sha256(assets()[name][0]).hexdigest()[:12]}"


def prepare() -> None:
    """Read the files and compile the templates, so that no reader waits for it."""
    assets()
    runbooks()
    for name in _environment().list_templates():
        _environment().get_template(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page."""

    reader: Reader
    metrics: str
    """The address of the metrics."""
    elsewhere: str
    """The address of the same page in the other language."""


def render_overview(page: Overview, frame: Frame) -> str:
    """Return the HTML of the overview."""
    return _render("overview.html", frame, page=page)


def render_details(page: Details, frame: Frame) -> str:
    """Return the HTML of a job's page."""
    return _render("job.html", frame, page=page)


def render_unseen(page: Unseen, frame: Frame) -> str:
    """Return the HTML of the page of a job that is shown no longer."""
    return _render("unseen.html", frame, page=page)


def render_missing(name: str, changes: tuple[ChangeRow, ...], frame: Frame) -> str:
    """Return the HTML that says that there is no such job, with what is remembered of it."""
    return _render("missing.html", frame, name=name, changes_seen=changes)


def _render(template: str, frame: Frame, **values: object) -> str:
    reader = frame.reader
    return (
        _environment()
        .get_template(template)
        .render(
            version=__version__,
            looks=LOOKS,
            asset=asset_link,
            words=reader.words,
            language=reader.language,
            home=Query(language=reader.chosen).link(),
            rendered=moment(reader.now, reader),
            metrics=frame.metrics,
            elsewhere=frame.elsewhere,
            **values,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("exporter.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["visible"] = visible
    return environment
