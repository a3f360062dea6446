"""Write the lines of one family for many jobs at once.

Jobs come as columns: all values of one field side by side. Where the labels of the identity stand
together in a line, which sorted labels do unless another one comes between `job_id` and `source`,
their text is made once for each job and only joined with what is around it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import compress
from operator import attrgetter
from typing import Any

from exporter.exposition.family import Form, JobFamily
from exporter.exposition.metrics import JOB_FAMILIES
from exporter.model import Job, Snapshot
from exporter.telemetry.sample_lines import LineWriter, escape, format_number

_KEY = ("project", "job_id", "job_name")
_FIELDS = tuple(dict.fromkeys((*_KEY, *(name for family in JOB_FAMILIES for name in family.reads))))
_NUMBERS = frozenset(
    _FIELDS.index(family.reads[0]) for family in JOB_FAMILIES if family.form is Form.NUMBER
)
_read_fields = attrgetter(*_FIELDS)
_TIMED = tuple((_FIELDS.index(name), name) for name in ("observed_timestamp", "duration_seconds"))
"""What `Job.tells_same` leaves out."""
_REMEMBERED = 4096

Columns = tuple[tuple[object, ...], ...]
Render = Callable[[Sequence[Job], Columns, Sequence[str]], str]


def columns_of(jobs: Sequence[Job]) -> Columns:
    """Return what the families read of these jobs, one tuple for each field."""
    unknown = _unknown(len(jobs))
    # What nobody knows of these jobs, often half of it, is one and the same for all fields.
    return tuple(
        [
            unknown if values == unknown else values
            for values in zip(*map(_read_fields, jobs), strict=True)
        ]
    )


@lru_cache
def _unknown(count: int) -> tuple[None, ...]:
    return (None,) * count


def changed_fields(columns: Columns, before: Columns) -> set[int]:
    """Return the numbers of the columns that are not written as they were before."""
    return {
        place
        for place, (new, old) in enumerate(zip(columns, before, strict=True))
        if _is_changed(place, new, old)
    }


def moved_fields(jobs: Sequence[Job], before: Columns) -> tuple[Columns, set[int]]:
    """Return the columns of jobs that tell the same as before, and which are written otherwise.

    They tell the same by `Job.tells_same`: when they were seen, and for how long they have run, may
    be something else.
    """
    columns = list(before)
    for place, name in _TIMED:
        columns[place] = tuple(map(attrgetter(name), jobs))
        if columns[place] == _unknown(len(jobs)):
            columns[place] = _unknown(len(jobs))
    changed = {place for place, _ in _TIMED if _is_changed(place, columns[place], before[place])}
    return tuple(columns), changed


def has_zeros(columns: Columns) -> bool:
    """Say whether `Job.tells_same` may hide a change of these columns, as it does of minus zero."""
    return any(_has_zero(columns[place]) for place in _NUMBERS)


def _is_changed(place: int, new: Sequence[object], old: Sequence[object]) -> bool:
    return new != old or (
        place in _NUMBERS and _has_zero(new) and [*map(repr, new)] != [*map(repr, old)]
    )


def _has_zero(values: Sequence[object]) -> bool:
    """Say whether minus zero may be in a column: it is equal to zero, but not written so."""
    return values is not _unknown(len(values)) and 0.0 in values


IDENTITY_FIELDS = frozenset(range(len(_KEY)))
"""The numbers of the columns that the labels of a job's identity come from."""


class Frame:
    """What is on every line of a source: its labels, and so how its jobs are written."""

    def __init__(self, snapshot: Snapshot) -> None:
        # Without its jobs, which would be kept in memory for nothing.
        bare = replace(snapshot, jobs=(), absent=())
        self._key = _frame_key(snapshot)
        self._identity = LineWriter(
            "", {"source": snapshot.source, "platform": snapshot.platform}, _KEY
        )
        self.families: tuple[tuple[frozenset[int], Render], ...] = tuple(
            (frozenset(map(_FIELDS.index, family.reads)), _renderer(family, bare))
            for family in JOB_FAMILIES
        )
        """For each family the numbers of the columns it reads, and how it is written."""

    def fits(self, snapshot: Snapshot) -> bool:
        """Say whether this is the frame of a snapshot."""
        return self._key == _frame_key(snapshot)

    def identities(self, columns: Columns) -> list[str]:
        """Return the labels that identify each job, escaped and in their order."""
        keys: list[Any] = [*columns[: len(_KEY)]]
        lines = self._identity.lines(keys, "")
        return lines[1:-3].split("} \n{")


def _frame_key(snapshot: Snapshot) -> tuple[object, ...]:
    return (snapshot.source, snapshot.platform, snapshot.labels, snapshot.all_states)


def _renderer(family: JobFamily, bare: Snapshot) -> Render:
    if family.form is Form.NUMBER:
        return _numbers(family)
    labels = family.labels
    if family.configured_labels:
        labels += tuple(name for name, _ in bare.labels)
    fixed = {"source": bare.source, "platform": bare.platform}
    writer = LineWriter(family.name, fixed, (*_KEY, *labels))
    if family.form is Form.FACTS:
        return _facts(family, bare, writer)
    if any("job_id" < label < "source" for label in labels):
        return _apart(family, bare, writer)
    return _together(family, bare, writer)


def _numbers(family: JobFamily) -> Render:
    """Write a family of one number a job."""
    head = f"{family.name}{{"
    place = _FIELDS.index(family.reads[0])

    def render(jobs: Sequence[Job], columns: Columns, identities: Sequence[str]) -> str:
        values: Sequence[Any] = columns[place]
        if values is _unknown(len(values)):
            return ""
        if None in values:
            known = [value is not None for value in values]
            identities = list(compress(identities, known))
            values = list(compress(values, known))
        distinct = set(values)
        # Minus zero is equal to zero, but not written so.
        if len(distinct) * 4 <= len(values) and 0 not in distinct:
            texts = {value: format_number(float(value)) for value in distinct}
            lines = [
                f"{head}{identity}}} {texts[value]}\n"
                for identity, value in zip(identities, values, strict=True)
            ]
        else:
            # Most numbers are small: a call for each would take as long as all the rest.
            lines = [
                f"{head}{name}}} {repr(value) if -1e6 < value < 1e6 else format_number(value)}\n"
                for name, value in zip(identities, map(float, values), strict=True)
            ]
        return "".join(lines)

    return render


def _facts(family: JobFamily, bare: Snapshot, writer: LineWriter) -> Render:
    """Write a family of one line a job whose labels are fields as they are."""
    places = [_FIELDS.index(name) for name in (*_KEY, *family.reads)]
    configured = [value for _, value in bare.labels] if family.configured_labels else []

    def render(jobs: Sequence[Job], columns: Columns, identities: Sequence[str]) -> str:
        values: list[Any] = [columns[place] for place in places]
        return writer.lines([*values, *([value] * len(jobs) for value in configured)], "1.0")

    return render


def _together(family: JobFamily, bare: Snapshot, writer: LineWriter) -> Render:
    """Write a family whose lines hold the identity in one piece.

    What is around it is the same for all jobs that are alike in the fields the family reads.
    """
    nobody = f'job_id="",job_name="",platform="{escape(bare.platform)}",project="",source="'
    nobody += f'{escape(bare.source)}"'
    places = [_FIELDS.index(name) for name in family.reads]
    around: dict[object, tuple[str, ...]] = {}

    def pieces(job: Job) -> tuple[str, ...]:
        samples = family.samples(job, bare)
        lines = [writer.line(("", "", "", *values), number) for values, number in samples]
        # No label value can be taken for the identity: every quote within one is escaped.
        return tuple("".join(lines).split(nobody)) if lines else ()

    def render(jobs: Sequence[Job], columns: Columns, identities: Sequence[str]) -> str:
        if _are_silent(family, bare, jobs, columns, places):
            return ""
        keys = zip(*[columns[place] for place in places], strict=True)
        texts = []
        for job, identity, key in zip(jobs, identities, keys, strict=True):
            found = around.get(key)
            if found is None:
                if len(around) >= _REMEMBERED:
                    around.clear()
                found = around[key] = pieces(job)
            texts.append(identity.join(found))
        return "".join(texts)

    return render


def _apart(family: JobFamily, bare: Snapshot, writer: LineWriter) -> Render:
    """Write a family with labels of its own between those of the identity."""
    places = [_FIELDS.index(name) for name in family.reads]

    def render(jobs: Sequence[Job], columns: Columns, identities: Sequence[str]) -> str:
        if _are_silent(family, bare, jobs, columns, places):
            return ""
        return "".join(
            [
                writer.line((job.project, job.job_id, job.job_name, *values), number)
                for job in jobs
                for values, number in family.samples(job, bare)
            ]
        )

    return render


def _are_silent(
    family: JobFamily,
    bare: Snapshot,
    jobs: Sequence[Job],
    columns: Columns,
    places: Sequence[int],
) -> bool:
    """Say whether the jobs are all alike, and the family has no sample of the first."""
    alike = all(columns[place].count(columns[place][0]) == len(jobs) for place in places)
    return alike and not tuple(family.samples(jobs[0], bare))
