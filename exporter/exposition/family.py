"""Say what a metric family is: a name, a help, labels, and a pure function of a value.

Label names are given once per family; every function returns values for exactly these, and
rendering refuses a mismatch. A row of another kind is another module's; `metrics` has them all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter

from exporter.model import Job, Snapshot

IDENTITY = ("source", "platform", "project", "job_id", "job_name")
"""The labels of every family about jobs."""

Samples = Iterable[tuple[tuple[str, ...], float]]


class Form(Enum):
    """What is known of a family's samples without asking its function, which takes longer."""

    FREE = 0
    NUMBER = 1
    """The only field read is the value of the only sample; None is no sample."""
    FACTS = 2
    """The fields read are the values of the labels, the configured ones follow; always 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFamily:
    """A gauge with samples for each job; `labels` are those beside the identity."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    reads: tuple[str, ...]
    """The fields of a job that its samples are made of: only a change of these changes them."""
    samples: Callable[[Job, Snapshot], Samples]
    configured_labels: bool = False
    """Whether the labels configured on the source are added."""
    form: Form = Form.FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFamily:
    """A gauge with samples for each source; `labels` are all of them."""

    name: str
    help: str
    labels: tuple[str, ...] = ("source", "platform")
    samples: Callable[[Snapshot], Samples]


def number(*, name: str, help: str, field: str) -> JobFamily:
    """Return the family of one number of each job."""
    read = attrgetter(field)

    def samples(job: Job, snapshot: Snapshot) -> Samples:
        value = read(job)
        return () if value is None else (((), float(value)),)

    return JobFamily(name=name, help=help, reads=(field,), samples=samples, form=Form.NUMBER)
