"""Names of clusters are told apart, and stay."""

from typing import Any

from exporter.discovery.names import LONGEST_NAME, label_value
from exporter.discovery.yarn_applications import Application
from exporter.discovery.yarn_names import ApplicationNames
from exporter.process.steps import finished

DEFAULT = "Flink Application Cluster"


def app(number: int, name: str = DEFAULT, **fields: Any) -> Application:
    values = {"state": "RUNNING", "user": "flink", "queue": "default", **fields}
    return Application(application_id=f"application_1700_{number:04d}", name=name, **values)


def assigned(names: ApplicationNames, *applications: Application) -> list[str]:
    found = finished(names.assign(applications))
    return [found[each.application_id] for each in applications]


def test_application_is_called_by_its_name() -> None:
    assert assigned(ApplicationNames(), app(1, "orders"), app(2, "payments")) == [
        "orders",
        "payments",
    ]


def test_those_of_one_name_are_told_apart_by_queue_or_user_or_id() -> None:
    names = ApplicationNames()
    assert assigned(names, app(1, queue="a"), app(2, queue="b")) == [
        f"{DEFAULT} (queue a)",
        f"{DEFAULT} (queue b)",
    ]
    names = ApplicationNames()
    assert assigned(names, app(1, user="x"), app(2, user="y")) == [
        f"{DEFAULT} (user x)",
        f"{DEFAULT} (user y)",
    ]
    names = ApplicationNames()
    assert assigned(names, app(1), app(2)) == [
        f"{DEFAULT} (application_1700_0001)",
        f"{DEFAULT} (application_1700_0002)",
    ]


def test_name_stays_when_another_one_comes_and_when_it_goes() -> None:
    names = ApplicationNames()
    assert assigned(names, app(1)) == [DEFAULT]
    assert assigned(names, app(1), app(2)) == [DEFAULT, f"{DEFAULT} (application_1700_0002)"]
    assert assigned(names, app(2)) == [f"{DEFAULT} (application_1700_0002)"]


def test_new_run_takes_the_name_of_the_earlier_one() -> None:
    names = ApplicationNames()
    before = assigned(names, app(1, queue="a"), app(2, queue="b"))
    # Alone it would be called by its name only.
    assert assigned(names, app(3, queue="a")) == before[:1]
    assert assigned(names, app(3, queue="a"), app(4, queue="b")) == before


def test_one_that_waits_for_its_predecessor_to_go_gets_its_name() -> None:
    names = ApplicationNames()
    assert assigned(names, app(1)) == [DEFAULT]
    waiting = app(2, state="ACCEPTED")
    assert assigned(names, app(1), waiting) == [DEFAULT, f"{DEFAULT} (application_1700_0002)"]
    assert assigned(names, app(2)) == [DEFAULT]


def test_ended_one_keeps_the_name_it_had() -> None:
    names = ApplicationNames()
    before = assigned(names, app(1), app(2), app(3, "orders"))
    finished(names.assign(()))
    assert [names.of_ended(each) for each in (app(1), app(2), app(3, "orders"))] == before
    # Of those never seen alive: what their earlier run was called, or their name.
    assert names.of_ended(app(4, "orders")) == "orders"
    assert names.of_ended(app(5, "never")) == "never"


def test_names_from_outside_are_bounded_and_never_empty() -> None:
    (long, odd, none) = assigned(
        ApplicationNames(), app(1, "x" * 5000), app(2, "a\nb\u2028c\x07"), app(3, " \t")
    )
    assert long == "x" * LONGEST_NAME
    assert odd == "a b c"
    assert none == "application_1700_0003"


def test_two_long_names_that_begin_alike_are_told_apart() -> None:
    found = assigned(ApplicationNames(), app(1, "x" * 5000 + "a"), app(2, "x" * 5000 + "b"))
    assert len(set(found)) == 2
    assert all(label_value(each) == each for each in found)


def test_name_that_looks_like_a_qualified_one_is_no_collision() -> None:
    names = ApplicationNames()
    found = assigned(names, app(1, f"{DEFAULT} (queue a)"), app(2, queue="a"), app(3, queue="b"))
    assert len(set(found)) == 3


def test_no_two_that_live_ever_share_a_name_whatever_comes() -> None:
    names = ApplicationNames()
    known: dict[str, str] = {}
    for step in range(300):
        living = [
            app(
                number,
                ("a", "b", "a (queue q0)")[number % 3],
                queue=f"q{number % 2}",
                user=f"u{number % 5 % 2}",
                state="ACCEPTED" if number > step else "RUNNING",
            )
            for number in range(step, step + 8)
            if (number * step) % 7
        ]
        found = finished(names.assign(living))
        assert len(set(found.values())) == len(living)
        assert all(label_value(each) == each for each in found.values())
        for each in living:
            if not each.waiting:
                assert (
                    known.setdefault(each.application_id, found[each.application_id])
                    == (found[each.application_id])
                )


def test_what_is_remembered_is_bounded() -> None:
    names = ApplicationNames()
    for start in range(0, 30_000, 1000):
        finished(names.assign([app(number, f"n{number}") for number in range(start, start + 1000)]))
    assert len(names._given) <= 20_000
    assert len(names._earlier) <= 20_000
