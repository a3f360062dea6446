"""Where Huawei Cloud is, how a source logs in, and how its listings are walked."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.model import Job
from exporter.platforms import huawei_dli
from exporter.reading import Flaws, Record
from exporter.source import Inventory
from exporter.vendors.huawei import dataarts_endpoint, dli_endpoint, iam_endpoint
from exporter.vendors.huawei_inventory import (
    PAGE_SIZE,
    Listing,
    Page,
    ask_for_each,
    read_page,
    take_inventory,
)
from tests.huawei_sources import AUTH, PROJECT, Server, with_source
from tests.virtual_time import run

EMPTY = {"is_success": "true", "job_list": {"total_count": 0, "jobs": []}}
LIST = f"/v1.0/{PROJECT}/streaming/jobs?limit=100&offset=0&order=asc&show_detail=false"
METADATA = "169.254.169.254"


def job(job_id: str) -> Job:
    return Job(project="p", job_id=job_id, job_name=job_id, observed_timestamp=0.0)


class TestEndpoints:
    @pytest.mark.parametrize(
        ("endpoint", "expected"),
        [
            (dli_endpoint("cn-north-4"), "https://dli.cn-north-4.myhuaweicloud.com"),
            (dli_endpoint("eu-west-101"), "https://dli.eu-west-101.myhuaweicloud.eu"),
            (dataarts_endpoint("cn-north-4"), "https://dayu-dlf.cn-north-4.myhuaweicloud.com"),
            (dataarts_endpoint("cn-east-4"), "https://dayu.cn-east-4.myhuaweicloud.com"),
            (dataarts_endpoint("eu-west-101"), "https://dayu-dlf.eu-west-101.myhuaweicloud.com"),
            (iam_endpoint("cn-north-4"), "https://iam.cn-north-4.myhuaweicloud.com"),
            (iam_endpoint("eu-west-101"), "https://iam.eu-west-101.myhuaweicloud.eu"),
            (iam_endpoint(None), "https://iam.myhuaweicloud.com"),
        ],
    )
    def test_endpoints_follow_the_region_with_the_documented_exceptions(
        self, endpoint: str, expected: str
    ) -> None:
        assert endpoint == expected


class TestSettings:
    @staticmethod
    def problems(**given: Any) -> list[str]:
        settings = {"name": "s", "platform": "huawei_dli", "region": "cn-north-4", **given}
        with pytest.raises(ValidationError) as caught:
            huawei_dli.Settings.model_validate(
                {key: value for key, value in settings.items() if value is not None}
            )
        return [error["msg"] for error in caught.value.errors()]

    def test_region_or_endpoint_is_required(self) -> None:
        assert self.problems(region=None, project_id="p") == ["region or endpoint is required"]

    def test_project_id_is_required(self) -> None:
        assert self.problems() == ["Field required"]

    @pytest.mark.parametrize("region", ["cn-north-4.evil.example", "cn north", "https://x", "cn"])
    def test_region_cannot_become_another_host(self, region: str) -> None:
        assert len(self.problems(region=region, project_id="p")) == 1

    @pytest.mark.parametrize("project_id", ["", "a/b", "..", "a b"])
    def test_project_id_cannot_become_another_path(self, project_id: str) -> None:
        assert len(self.problems(project_id=project_id)) == 1

    @pytest.mark.parametrize("job_id", ["", ".", ".."])
    def test_id_that_is_no_part_of_a_path_is_refused(self, job_id: str) -> None:
        problems = self.problems(project_id="p", jobs={"ids": [job_id]})
        assert problems == [f"jobs.ids: {job_id!r} is no job"]


class TestLogin:
    @staticmethod
    def requests(
        answer: Callable[[httpx.Request], httpx.Response], **settings: Any
    ) -> list[httpx.Request]:
        server = Server({LIST: lambda request: EMPTY})
        seen = []

        def handler(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/v1.0/"):
                return server(request)
            seen.append(request)
            return answer(request)

        with_source(
            huawei_dli.PLATFORM, handler, lambda source: source.fetch_inventory(), **settings
        )
        return [*seen, *server.requests]

    @staticmethod
    def nothing(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"not expected: {request.url}")

    def test_requests_are_signed_with_the_configured_key(self) -> None:
        (request,) = self.requests(self.nothing)
        authorization = request.headers["Authorization"]
        assert authorization.startswith("SDK-HMAC-SHA256 Access=AK, SignedHeaders=")
        assert request.url.host == "dli.cn-north-4.myhuaweicloud.com"
        assert request.headers["X-Project-Id"] == PROJECT
        assert request.headers["X-Language"] == "en-us"
        assert request.headers["Content-Type"] == "application/json"

    def test_temporary_keys_carry_their_token(self) -> None:
        (request,) = self.requests(self.nothing, auth={**AUTH, "security_token": "T"})
        assert request.headers["X-Security-Token"] == "T"

    def test_configured_endpoint_wins_over_the_region(self) -> None:
        (request,) = self.requests(self.nothing, endpoint="https://dli.example.com:8443/")
        assert str(request.url) == f"https://dli.example.com:8443{LIST}"

    def test_iam_user_logs_in_once_for_the_project(self) -> None:
        def login(request: httpx.Request) -> httpx.Response:
            body = {"token": {"expires_at": "2030-01-01T00:00:00.000000Z"}}
            return httpx.Response(201, headers={"X-Subject-Token": "TOKEN"}, json=body)

        iam = {
            "endpoint": "https://iam.example.com",
            "username": "u",
            "password": "p",
            "domain": "d",
        }
        first, second = self.requests(login, auth={"iam": iam})
        assert str(first.url) == "https://iam.example.com/v3/auth/tokens?nocatalog=true"
        assert json.loads(first.content)["auth"]["scope"] == {"project": {"id": PROJECT}}
        assert second.headers["X-Auth-Token"] == "TOKEN"
        assert "Authorization" not in second.headers

    def test_environment_serves_where_nothing_is_configured(self) -> None:
        server = Server({LIST: EMPTY})
        with_source(
            huawei_dli.PLATFORM,
            server,
            lambda source: source.fetch_inventory(),
            auth=None,
            environ={"HUAWEICLOUD_SDK_AK": "FROM_ENV", "HUAWEICLOUD_SDK_SK": "SK"},
        )
        assert "Access=FROM_ENV," in server.requests[0].headers["Authorization"]

    def test_metadata_serves_where_nothing_else_does(self) -> None:
        credential = {
            "access": "TEMPORARY",
            "secret": "SK",
            "securitytoken": "T",
            "expires_at": "2030-01-01T00:00:00.000000Z",
        }

        def metadata(request: httpx.Request) -> httpx.Response:
            assert request.url.host == METADATA
            if request.method == "PUT":
                return httpx.Response(404)
            return httpx.Response(200, json={"credential": credential})

        *_, request = self.requests(metadata, auth=None)
        assert "Access=TEMPORARY," in request.headers["Authorization"]
        assert request.headers["X-Security-Token"] == "T"

    def test_no_credentials_anywhere_is_an_auth_failure(self) -> None:
        with pytest.raises(FetchError, match="no credentials found") as caught:
            self.requests(lambda request: httpx.Response(404), auth=None)
        assert caught.value.reason is Reason.AUTH

    def test_refused_key_is_spared_before_it_is_locked(self) -> None:
        """More than five rejections in a row lock a key for five minutes."""
        refusal = (401, {"error_code": "APIG.0301", "error_msg": "verify aksk signature fail"})
        server = Server({LIST: refusal})

        async def poll_often(source: huawei_dli.DliSource) -> list[FetchError]:
            errors = []
            for _ in range(10):
                with pytest.raises(FetchError) as caught:
                    await source.fetch_inventory()
                errors.append(caught.value)
            return errors

        errors = with_source(huawei_dli.PLATFORM, server, poll_often)
        assert {error.reason for error in errors} == {Reason.AUTH}
        assert len(server.requests) == 3


class Rows:
    """A listing of numbered rows, with `offset` as rows or as pages."""

    def __init__(self, names: list[str], *, pages_from: int | None = None) -> None:
        self.names = names
        self.pages_from = pages_from
        self.offsets: list[int] = []
        self.total: int | None = -1
        self.before: Callable[[int], None] = lambda asked: None
        self.understand: Callable[[int], int] = lambda offset: offset

    async def fetch(self, offset: int) -> Page:
        self.before(len(self.offsets))
        self.offsets.append(offset)
        offset = self.understand(offset)
        first = offset if self.pages_from is None else (offset - self.pages_from) * PAGE_SIZE
        names = self.names[first : first + PAGE_SIZE] if first >= 0 else []
        total = len(self.names) if self.total == -1 else self.total
        return Page(jobs=tuple(map(job, names)), size=len(names), total=total)

    def take(self, *walks: Any) -> Inventory:
        listing = Listing("ListThings", self.fetch)

        async def walk(listing: Listing) -> None:
            for each in walks or (Listing.walk_rows,):
                if not listing.complete:
                    await each(listing)

        return run(take_inventory("p", Flaws(), listing, walk))


def numbered(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def ids(inventory: Inventory) -> list[str]:
    return [each.job_id for each in inventory.jobs]


class TestRows:
    @pytest.mark.parametrize(
        ("count", "offsets"),
        [(0, [0]), (1, [0]), (100, [0]), (101, [0, 100]), (250, [0, 100, 200])],
    )
    def test_no_page_is_asked_for_in_vain(self, count: int, offsets: list[int]) -> None:
        rows = Rows(numbered(count))
        inventory = rows.take()
        assert ids(inventory) == numbered(count)
        assert inventory.incomplete == ()
        assert rows.offsets == offsets

    @pytest.mark.parametrize(("count", "offsets"), [(99, [0]), (100, [0, 100]), (0, [0])])
    def test_without_a_total_a_page_that_is_not_full_is_the_last(
        self, count: int, offsets: list[int]
    ) -> None:
        rows = Rows(numbered(count))
        rows.total = None
        inventory = rows.take()
        assert ids(inventory) == numbered(count)
        assert inventory.incomplete == ()
        assert rows.offsets == offsets

    def test_total_that_cannot_be_true_is_not_believed(self) -> None:
        rows = Rows(numbered(150))
        rows.total = 10
        assert len(rows.take().jobs) == 150

    def test_total_that_counts_more_than_is_listed_does_not_make_the_listing_incomplete(
        self,
    ) -> None:
        rows = Rows(numbered(150))
        rows.total = 160
        inventory = rows.take()
        assert len(inventory.jobs) == 150
        assert inventory.incomplete == ()
        assert rows.offsets == [0, 100, 150]

    def test_empty_page_beside_a_total_is_not_an_empty_listing(self) -> None:
        """Otherwise one odd answer would take every job away."""
        rows = Rows([])
        rows.total = 7
        (failure,) = rows.take().incomplete
        assert failure[1].reason is Reason.INVALID_RESPONSE

    def test_pages_of_a_long_listing_are_asked_for_together_once_offset_counts_rows(self) -> None:
        rows = Rows(numbered(2050))
        in_flight: list[int] = []
        at_once = 0

        async def fetch(offset: int) -> Page:
            nonlocal at_once
            in_flight.append(offset)
            at_once = max(at_once, len(in_flight))
            await asyncio.sleep(offset % 300 / 1000)
            page = await rows.fetch(offset)
            in_flight.remove(offset)
            return page

        listing = Listing("ListThings", fetch)
        inventory = run(take_inventory("p", Flaws(), listing, Listing.walk_rows))
        assert ids(inventory) == numbered(2050)
        assert inventory.incomplete == ()
        assert rows.offsets[:2] == [0, 100]
        assert sorted(rows.offsets) == [*range(0, 2050, 100)]
        assert at_once == 8

    @pytest.mark.parametrize("deletion", range(2, 12))
    def test_no_row_is_lost_when_rows_move_while_pages_are_asked_for_together(
        self, deletion: int
    ) -> None:
        rows = Rows(numbered(1150))

        def delete(asked: int) -> None:
            if asked == deletion:
                del rows.names[5:8]

        rows.before = delete
        inventory = rows.take()
        assert {*rows.names} <= {*ids(inventory)}
        assert inventory.incomplete == ()

    def test_page_that_fails_among_others_leaves_the_listing_incomplete(self) -> None:
        rows = Rows(numbered(1150))

        def fail(asked: int) -> None:
            if asked == 5:
                raise FetchError(Reason.SERVER, "ListThings")

        rows.before = fail
        inventory = rows.take()
        assert ids(inventory) == numbered(500)
        assert inventory.incomplete[0][1].reason is Reason.SERVER

    def test_row_that_moves_to_the_next_page_is_not_doubled(self) -> None:
        rows = Rows(numbered(150))

        def insert(asked: int) -> None:
            if asked == 1:
                rows.names.insert(0, "new")

        rows.before = insert
        inventory = rows.take()
        assert ids(inventory) == numbered(150)

    def test_row_that_moves_to_the_previous_page_is_not_lost(self) -> None:
        """Job 100 becomes row 99 when another one before it is deleted."""
        rows = Rows(numbered(250))

        def delete(asked: int) -> None:
            if asked == 1:
                del rows.names[5:8]

        rows.before = delete
        inventory = rows.take()
        assert {*rows.names} <= {*ids(inventory)}
        assert inventory.incomplete == ()
        assert rows.offsets == [0, 100, 97, 197]

    def test_deletions_behind_the_rows_seen_do_not_end_the_listing_early(self) -> None:
        rows = Rows(numbered(350))

        def delete(asked: int) -> None:
            if asked == 1:
                del rows.names[300:310]

        rows.before = delete
        inventory = rows.take()
        assert ids(inventory) == rows.names
        assert inventory.incomplete == ()

    def test_listing_that_repeats_itself_ends_and_is_incomplete(self) -> None:
        """A server that ignores offset sends the first page for ever."""
        rows = Rows(numbered(250))
        rows.understand = lambda offset: 0
        inventory = rows.take()
        assert len(inventory.jobs) == 100
        (project, failure) = inventory.incomplete[0]
        assert project == "p"
        assert "repeats itself after 100 of 250 jobs" in str(failure)
        assert rows.offsets == [0, 100]

    def test_listing_without_end_is_given_up(self) -> None:
        async def fetch(offset: int) -> Page:
            return Page(jobs=(job(str(offset)),), size=PAGE_SIZE, total=None)

        listing = Listing("ListThings", fetch)
        inventory = run(take_inventory("p", Flaws(), listing, Listing.walk_rows))
        assert "has not ended after 2000 pages" in str(inventory.incomplete[0][1])

    def test_first_page_that_fails_fails_the_listing(self) -> None:
        async def fetch(offset: int) -> Page:
            raise UnreadableError("list: expected a list")

        listing = Listing("ListThings", fetch)
        with pytest.raises(FetchError, match="ListThings failed: invalid_response"):
            run(take_inventory("p", Flaws(), listing, Listing.walk_rows))

    def test_later_page_that_fails_leaves_the_listing_incomplete(self) -> None:
        rows = Rows(numbered(150))

        def fail(asked: int) -> None:
            if asked == 1:
                raise FetchError(Reason.TIMEOUT, "ListThings")

        rows.before = fail
        inventory = rows.take()
        assert len(inventory.jobs) == 100
        assert [failure.reason for _, failure in inventory.incomplete] == [Reason.TIMEOUT]


class TestPages:
    @pytest.mark.parametrize("pages_from", [0, 1])
    def test_pages_serve_where_rows_end_too_early(self, pages_from: int) -> None:
        rows = Rows(numbered(250), pages_from=pages_from)
        inventory = rows.take(Listing.walk_rows, Listing.walk_pages)
        assert sorted(ids(inventory), key=int) == numbered(250)
        assert inventory.incomplete == ()

    @pytest.mark.parametrize(("pages_from", "offsets"), [(0, [0, 1, 2]), (1, [0, 1, 2, 3])])
    def test_pages_alone_cost_one_call_each(self, pages_from: int, offsets: list[int]) -> None:
        rows = Rows(numbered(250), pages_from=pages_from)
        inventory = rows.take(Listing.walk_pages)
        assert ids(inventory) == numbered(250)
        assert rows.offsets == offsets

    def test_first_page_can_be_what_the_server_makes_of_page_zero(self) -> None:
        rows = Rows(numbered(250), pages_from=0)
        rows.understand = lambda offset: max(0, offset - 1)
        inventory = rows.take(Listing.walk_pages)
        assert ids(inventory) == numbered(250)
        assert inventory.incomplete == ()

    def test_empty_page_ends_a_listing_whose_total_counts_more(self) -> None:
        rows = Rows(numbered(150), pages_from=0)
        rows.total = 160
        inventory = rows.take(Listing.walk_pages)
        assert len(inventory.jobs) == 150
        assert inventory.incomplete == ()
        assert rows.offsets == [0, 1, 2]

    def test_page_that_comes_again_and_again_ends_the_listing(self) -> None:
        rows = Rows(numbered(150))
        rows.understand = lambda offset: 0
        inventory = rows.take(Listing.walk_pages)
        assert len(inventory.incomplete) == 1
        assert rows.offsets == [0, 1, 2]

    def test_overlapping_pages_show_that_offset_counts_rows(self) -> None:
        """Otherwise every poll would creep through the listing row by row."""
        rows = Rows(numbered(250))
        inventory = rows.take(Listing.walk_pages, Listing.walk_rows)
        assert sorted(ids(inventory), key=int) == numbered(250)
        assert rows.offsets == [0, 1, 0, 100, 200]


class TestPage:
    @staticmethod
    def read(listing: object) -> tuple[Page, Flaws]:
        flaws = Flaws()

        def parse_row(row: Record) -> Job | None:
            return job(row.text("id")) if row.has("id") else None

        return read_page(listing, "list", "total", parse_row, flaws), flaws

    def test_rows_that_cannot_be_read_count_as_rows(self) -> None:
        """Otherwise the next page would start too early."""
        page, flaws = self.read({"total": 3, "jobs": [{"id": "1"}, {}, None]})
        assert (len(page.jobs), page.size, page.total) == (1, 3, 3)
        assert [flaw.place for flaw in flaws.unreadable] == ["list.jobs[2]"]

    @pytest.mark.parametrize("jobs", [{}, {"jobs": None}])
    def test_list_may_be_absent_beside_a_total(self, jobs: dict[str, None]) -> None:
        page, _ = self.read({"total": 0, **jobs})
        assert page == Page(jobs=(), size=0, total=0)

    @pytest.mark.parametrize("listing", [None, [], {}, "jobs", {"jobs": {}, "total": 1}])
    def test_no_list_is_not_an_empty_one(self, listing: object) -> None:
        with pytest.raises(UnreadableError):
            self.read(listing)


class TestIds:
    @staticmethod
    def ask(**answers: Job | FetchError) -> Inventory:
        async def ask(job_id: str) -> Job:
            answer = answers[job_id]
            if isinstance(answer, FetchError):
                raise answer
            return answer

        return run(ask_for_each("p", Flaws(), [*answers, *answers], ask))

    def test_gone_ids_are_left_out(self) -> None:
        gone = FetchError(Reason.NOT_FOUND, "Show", gone=True)
        inventory = self.ask(a=job("a"), b=gone)
        assert ids(inventory) == ["a"]
        assert inventory.incomplete == ()

    def test_one_failure_leaves_the_others(self) -> None:
        failure = FetchError(Reason.TIMEOUT, "Show")
        inventory = self.ask(a=failure, b=job("b"))
        assert ids(inventory) == ["b"]
        assert inventory.incomplete == (("p", failure),)

    def test_failure_of_all_is_a_failure(self) -> None:
        failure = FetchError(Reason.TIMEOUT, "Show")
        with pytest.raises(FetchError) as caught:
            self.ask(a=failure, b=FetchError(Reason.SERVER, "Show"))
        assert caught.value is failure

    def test_all_gone_is_an_empty_inventory(self) -> None:
        assert self.ask(a=FetchError(Reason.NOT_FOUND, "Show", gone=True)).jobs == ()
