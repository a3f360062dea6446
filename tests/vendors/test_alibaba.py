"""What the two Alibaba Cloud platforms share: endpoints, ids, XML, lists, pages."""

import re
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job, JobKey
from exporter.upstream.refusals import Answer
from exporter.vendors.alibaba import (
    AlibabaSettings,
    error_class,
    foas_endpoint,
    read_list,
    read_object,
    split_ids,
    ververica_endpoint,
)
from exporter.vendors.alibaba_listing import Listed, Listings, Page, read_pages
from exporter.vendors.alibaba_xml import parse_xml
from tests.virtual_time import run


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-shanghai", "foas.cn-shanghai.aliyuncs.com"),
        ("cn-hangzhou", "foas.cn-hangzhou.aliyuncs.com"),
        ("ap-southeast-1", "foas.ap-southeast-1.aliyuncs.com"),
        ("cn-hongkong", "foas.aliyuncs.com"),
        ("cn-shenzhen-finance-1", "foas.aliyuncs.com"),
        ("eu-central-1", "foas.ap-northeast-1.aliyuncs.com"),
        ("us-east-1", "foas.ap-northeast-1.aliyuncs.com"),
    ],
)
def test_foas_endpoint_follows_the_endpoint_map_of_the_sdks(region: str, host: str) -> None:
    assert foas_endpoint(region) == f"https://{host}"


def test_ververica_endpoint_is_regional() -> None:
    assert ververica_endpoint("cn-hangzhou") == "https://ververica.cn-hangzhou.aliyuncs.com"


def test_settings_need_a_region_or_an_endpoint() -> None:
    with pytest.raises(ValidationError, match="region or endpoint is required"):
        AlibabaSettings.model_validate({"name": "a", "platform": "p"})


@pytest.mark.parametrize("region", ["", "cn", "cn-shanghai/", "evil.example#", "CN-Shanghai"])
def test_region_that_is_none_is_refused(region: str) -> None:
    with pytest.raises(ValidationError):
        AlibabaSettings.model_validate({"name": "a", "platform": "p", "region": region})


@pytest.mark.parametrize(
    ("ids", "places", "expected"),
    [
        (["job1", "job2", "job1"], ["p1"], {"p1": ("job1", "job2")}),
        (["p1/job1"], ["p1"], {"p1": ("job1",)}),
        (["a/b"], ["p1"], {"p1": ("a/b",)}),
        (["p2/job1", "p1/job1"], ["p1", "p2", "p3"], {"p1": ("job1",), "p2": ("job1",)}),
        (["p1/a/b"], ["p1", "p2"], {"p1": ("a/b",)}),
        ([], ["p1"], {}),
    ],
)
def test_ids_are_sorted_by_project(
    ids: list[str], places: list[str], expected: dict[str, tuple[str, ...]]
) -> None:
    assert split_ids(ids, places) == expected


@pytest.mark.parametrize("text", ["job1", "p3/job1", "p1/", "p1/..", "/job1"])
def test_id_without_a_project_among_several_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match=re.escape(text)):
        split_ids([text], ["p1", "p2"])


def test_xml_with_a_root_becomes_what_json_would_hold() -> None:
    body = (
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n<ListInstanceResponse><TotalCount>2'
        b"</TotalCount><Instances><Instance><Id>1</Id><PlanJson/></Instance><Instance><Id>2</Id>"
        b"<Code><![CDATA[a < b]]> &amp; c</Code></Instance></Instances></ListInstanceResponse>"
    )
    assert parse_xml(body) == {
        "TotalCount": "2",
        "Instances": {"Instance": [{"Id": "1", "PlanJson": ""}, {"Id": "2", "Code": "a < b & c"}]},
    }


def test_xml_without_a_root_is_read_as_the_vendor_shows_it() -> None:
    body = b"<RequestId>9B</RequestId>\n<Instance>\n  <Id>3</Id>\n  <Id>4</Id><Id>5</Id></Instance>"
    assert parse_xml(body) == {"RequestId": "9B", "Instance": {"Id": ["3", "4", "5"]}}


def test_xml_with_one_text_is_an_object_of_one_field() -> None:
    assert parse_xml(b"<RequestId>9B</RequestId>") == {"RequestId": "9B"}


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE r [<!ENTITY a "aaaa">]><r><v>&a;</v></r>',
        b'<?xml version="1.0"?><!DOCTYPE r SYSTEM "file:///etc/passwd"><r><v>1</v></r>',
        b"<r><v>&undefined;</v></r>",
        b"<r><v></r>",
        b"</answer><answer>",
        b"just text",
        b"",
        b"<r>\xff\xfe</r>",
        b"<a>" * 1000,
    ],
)
def test_xml_that_could_harm_or_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="XML"):
        parse_xml(body)


def test_answer_that_looks_like_xml_is_read_as_such() -> None:
    answer = Answer(200, {}, b"\xef\xbb\xbf <R><Instance><Id>1</Id></Instance><B>2</B></R>")
    assert read_object("GetInstance", answer) == {"Instance": {"Id": "1"}, "B": "2"}


@pytest.mark.parametrize("body", [b"<html><p>", b"[1]", b"null", b'"text"', b"", b"oops"])
def test_answer_that_is_no_object_is_an_invalid_response(body: bytes) -> None:
    with pytest.raises(FetchError) as caught:
        read_object("GetInstance", Answer(200, {}, body))
    assert caught.value.reason is Reason.INVALID_RESPONSE


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"Instances": {"Instance": [{"Id": 1}, {"Id": 2}]}}, [{"Id": 1}, {"Id": 2}]),
        ({"Instances": [{"Id": 1}]}, [{"Id": 1}]),
        ({"Instances": {"Instance": {"Id": 1}}}, [{"Id": 1}]),
        ({"Instances": {"Id": 1}}, [{"Id": 1}]),
        ({"instances": {"instance": [{"id": 1, "jobName": "a"}]}}, [{"Id": 1, "JobName": "a"}]),
        ({"Instances": {"Instance": []}}, []),
        ({"Instances": {"Instance": None}}, []),
        ({"Instances": {}}, []),
        ({"Instances": []}, []),
        ({"Instances": ""}, []),
        ({"Instances": ["x", {"Id": 1}]}, ["x", {"Id": 1}]),
        ({"Instances": None}, None),
        ({}, None),
    ],
)
def test_lists_are_read_in_every_shape(document: dict[str, Any], expected: object) -> None:
    assert read_list(document, "Instances", "Instance") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("java.lang.OutOfMemoryError: GC overhead", "java.lang.OutOfMemoryError"),
        (
            "job failed. Caused by: org.apache.flink.table.api.ValidationException: password=x\n"
            "Caused by: java.io.IOException",
            "org.apache.flink.table.api.ValidationException",
        ),
        ("a.b.Outer$InnerException", "a.b.Outer$InnerException"),
        ("error", ""),
        ("SomeException without a package", ""),
        ("at org.apache.flink.Task.run(Task.java:1)", ""),
        ("secret.abcdefException", ""),
        ("x" * 20000 + " java.lang.Error", ""),
        ("a." * 10000 + "B", ""),
    ],
)
def test_error_class_is_a_qualified_exception_or_nothing(text: str, expected: str) -> None:
    assert error_class(text) == expected


class Pages:
    """A listing whose pages are scripted as (names, total); the last one repeats."""

    def __init__(self, *pages: tuple[str, int | None], unreadable: int = 0) -> None:
        self._pages = list(pages)
        self._unreadable = unreadable
        self.asked: list[int] = []

    async def __call__(self, index: int) -> Page[str]:
        self.asked.append(index)
        names, total = self._pages.pop(0) if len(self._pages) > 1 else self._pages[0]
        rows = tuple((name, name) for name in names)
        return Page(rows=rows, total=total, unreadable=self._unreadable)


def read(pages: Pages) -> str:
    return "".join(run(read_pages("List", pages)))


def test_one_whole_page_is_asked_for_once() -> None:
    pages = Pages(("abc", 3))
    assert (read(pages), pages.asked) == ("abc", [1])


def test_page_limit_of_the_server_below_ours_is_no_end() -> None:
    pages = Pages(("ab", 5), ("cd", 5), ("e", 5))
    assert (read(pages), pages.asked) == ("abcde", [1, 2, 3])


def test_empty_listing_is_whole() -> None:
    pages = Pages(("", 0))
    assert (read(pages), pages.asked) == ("", [1])


def test_row_deleted_between_pages_hides_none() -> None:
    """Deleting `a` moves `c` to the page that was read already: the second reading has it."""
    pages = Pages(("ab", 4), ("d", 3), ("bc", 3), ("d", 3))
    assert sorted(read(pages)) == ["a", "b", "c", "d"]
    assert pages.asked == [1, 2, 1, 2]


def test_row_added_between_pages_doubles_none() -> None:
    pages = Pages(("bc", 3), ("cd", 4), ("", 4), ("ab", 4), ("cd", 4))
    assert sorted(read(pages)) == ["a", "b", "c", "d"]


def test_listing_short_the_same_way_twice_is_taken_as_it_is() -> None:
    pages = Pages(("ab", 7), ("", 7), ("ab", 7), ("", 7))
    assert (read(pages), pages.asked) == ("ab", [1, 2, 1, 2])


def test_listing_short_in_two_ways_is_an_invalid_response() -> None:
    pages = Pages(("ab", 7), ("", 7), ("abc", 7), ("", 7))
    with pytest.raises(FetchError, match="4 of 7 missing") as caught:
        read(pages)
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_without_a_total_a_page_with_nothing_new_is_the_end() -> None:
    pages = Pages(("ab", None), ("c", None), ("c", None))
    assert (read(pages), pages.asked) == ("abc", [1, 2, 3])


def test_rows_that_cannot_be_read_count_as_seen() -> None:
    pages = Pages(("a", 2), unreadable=1)
    assert (read(pages), pages.asked) == ("a", [1])


def test_pages_without_an_end_are_given_up() -> None:
    async def endless(index: int) -> Page[str]:
        return Page(rows=((str(index), str(index)),), total=10**9)

    with pytest.raises(FetchError, match="no end"):
        run(read_pages("List", endless))


def job(project: str, name: str) -> Job:
    return Job(project=project, job_id=name, job_name=name, observed_timestamp=1.0)


def refused() -> FetchError:
    return FetchError(Reason.AUTH, "List")


def test_failing_project_hurts_no_other_and_its_rows_are_remembered() -> None:
    listings = Listings()
    failing: set[str] = set()

    async def fetch(place: str, flaws: Flaws) -> Listed:
        if place in failing:
            raise refused()
        return Listed(jobs=(job(place, "a"),))

    async def both() -> tuple[tuple[Job, ...], list[str]]:
        await listings.gather(("p1", "p2"), fetch)
        failing.add("p1")
        inventory = await listings.gather(("p1", "p2"), fetch)
        return inventory.jobs, [place for place, _ in inventory.incomplete]

    assert run(both()) == ((job("p2", "a"),), ["p1"])
    assert listings.row(JobKey(project="p1", job_id="a")) == job("p1", "a")
    assert listings.row(JobKey(project="p1", job_id="b")) is None


def test_all_projects_failing_is_a_failure() -> None:
    async def fetch(place: str, flaws: Flaws) -> Listed:
        return Listed(failure=refused())

    with pytest.raises(FetchError) as caught:
        run(Listings().gather(("p1", "p2"), fetch))
    assert caught.value.reason is Reason.AUTH


def test_half_a_listing_of_the_only_project_is_incomplete_and_no_failure() -> None:
    async def fetch(place: str, flaws: Flaws) -> Listed:
        return Listed(jobs=(job(place, "a"),), failure=refused())

    inventory = run(Listings().gather(("p1",), fetch))
    assert [place for place, _ in inventory.incomplete] == ["p1"]
    assert inventory.jobs == (job("p1", "a"),)
