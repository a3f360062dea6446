"""Give every application a name that no other one has, and that stays.

People rarely name their applications: many are called "Flink Application Cluster". A name of a
cluster becomes a label, so it must not change while the application lives, nor from one run to the
next as far as that can be had. The rules, in order:

- an application keeps the name it was given for as long as it lives; one that still waits in its
  queue has no jobs yet, and may get another;
- a new run takes the name of an earlier application of the same name, queue and user, unless one
  that lives has it;
- else the application's name, if no other one that lives is called so;
- else that with the queue, with the user, or with its id: the first that tells it apart.

The third holds for nearly everybody. With the last a new run is a new name.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from exporter.discovery.names import LONGEST_NAME, label_value
from exporter.discovery.yarn_applications import Application
from exporter.process.steps import Steps, sorted_in_steps

_PER_STEP = 100
_LONGEST_QUALIFIED = 100
_LONGEST_QUALIFIER = 60
_MOST_REMEMBERED = 20_000
"""More than what can live: a name that is forgotten is chosen anew."""
_Identity = tuple[str, str, str]
_Key = TypeVar("_Key")


class ApplicationNames:
    """The names given so far."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, str] = OrderedDict()
        self._earlier: OrderedDict[_Identity, str] = OrderedDict()

    def assign(self, living: Iterable[Application]) -> Steps[dict[str, str]]:
        """Return the names of all applications that live, by their ids, in steps."""
        applications = yield from sorted_in_steps(list(living), key=_age)
        names = {
            each.application_id: self._given[each.application_id]
            for each in applications
            if each.application_id in self._given
        }
        taken = set(names.values())
        yield
        rivals = _Rivals()
        for count, each in enumerate(applications):
            rivals.add(each)
            if count % _PER_STEP == 0:
                yield
        for count, each in enumerate(applications):
            if each.application_id not in names:
                name = self._choose(each, rivals, taken)
                names[each.application_id] = name
                taken.add(name)
            if count % _PER_STEP == 0:
                yield
        for count, each in enumerate(applications):
            # What waits may have come while its predecessor was on its way out.
            if not each.waiting:
                name = names[each.application_id]
                _remember(self._given, each.application_id, name)
                if each.application_id not in name:
                    _remember(self._earlier, _identity(each), name)
            if count % _PER_STEP == 0:
                yield
        return names

    def of_ended(self, application: Application) -> str:
        """Return the name that an application had, or would have had without others."""
        name = self._given.get(application.application_id)
        if name is None:
            name = self._earlier.get(_identity(application))
        return name if name is not None else _shown(application)

    def _choose(self, application: Application, rivals: "_Rivals", taken: set[str]) -> str:
        earlier = self._earlier.get(_identity(application))
        if earlier is not None and earlier not in taken and rivals.alone(application):
            return earlier
        return next(name for name in rivals.names(application) if name not in taken)


class _Rivals:
    """How many of the applications that live share what tells them apart."""

    def __init__(self) -> None:
        self._names = Counter[str]()
        self._queues = Counter[tuple[str, str]]()
        self._users = Counter[tuple[str, str]]()
        self._identities = Counter[_Identity]()

    def add(self, application: Application) -> None:
        """Take in one that lives."""
        name = _shown(application)
        self._names[name] += 1
        self._queues[name, application.queue] += 1
        self._users[name, application.user] += 1
        self._identities[_identity(application)] += 1

    def alone(self, application: Application) -> bool:
        """Say whether no other one has the same name, queue and user."""
        return self._identities[_identity(application)] == 1

    def names(self, application: Application) -> Iterator[str]:
        """Yield what an application can be called, the best first."""
        name = _shown(application)
        if self._names[name] == 1:
            yield name
        if application.queue and self._queues[name, application.queue] == 1:
            yield _with(name, "queue ", application.queue)
        if application.user and self._users[name, application.user] == 1:
            yield _with(name, "user ", application.user)
        yield _with(name, "", application.application_id)


def _remember(names: "OrderedDict[_Key, str]", key: _Key, name: str) -> None:
    names[key] = name
    names.move_to_end(key)
    while len(names) > _MOST_REMEMBERED:
        names.popitem(last=False)


def _age(application: Application) -> tuple[int, int]:
    # Ids count up, within one start of the ResourceManager and from one to the next.
    _, start, number = application.application_id.split("_")
    return int(start), int(number)


def _identity(application: Application) -> _Identity:
    return _shown(application), application.queue, application.user


def _shown(application: Application) -> str:
    name = application.name
    if len(name) <= LONGEST_NAME and name.isascii() and name.isprintable():
        # Nearly all are like that, and looking at each character takes a while.
        return " ".join(name.split()) or application.application_id
    return label_value(name) or application.application_id


def _with(name: str, kind: str, what: str) -> str:
    # As a whole it is short enough to be a label as it is.
    qualifier = label_value(what)[:_LONGEST_QUALIFIER].rstrip()
    return f"{name[:_LONGEST_QUALIFIED].rstrip()} ({kind}{qualifier})"
