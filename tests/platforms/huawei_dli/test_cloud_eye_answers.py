"""What is asked of Cloud Eye, where, and what of its answers is a figure."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.fields import Flaws
from exporter.platforms import huawei_dli
from exporter.simulator.huawei import cloud_eye as simulated
from exporter.vendors.cloud_eye import OPERATION, parse_figures, write_question
from tests.vendors.huawei_sources import AUTH
from tests.virtual_time import EPOCH

DLI, CES = "https://dli.cn-north-4.myhuaweicloud.com", "https://ces.cn-north-4.myhuaweicloud.com"


class TestAnswers:
    @staticmethod
    def read(*points: Any, metric: str = "flink_read_records_per_second") -> list[float]:
        told = {
            "namespace": "SYS.DLI",
            "metric_name": metric,
            "dimensions": [{"name": "flink_job_id", "value": "7"}],
            "datapoints": [
                {"average": value, "timestamp": int((EPOCH - age) * 1000)} for age, value in points
            ],
        }
        found = parse_figures({"metrics": [told]}, EPOCH, Flaws())
        assert all(figure.job_id == "7" for figure in found)
        return [figure.value for figure in found]

    def test_newest_point_counts_whatever_the_order(self) -> None:
        assert self.read((120, 1), (30, 2), (300, 3)) == [2]

    def test_zero_is_a_rate(self) -> None:
        assert self.read((30, 0)) == [0]

    @pytest.mark.parametrize("age", [601, 3600, -601])
    def test_point_of_another_time_is_none(self, age: float) -> None:
        assert self.read((age, 5)) == []

    @pytest.mark.parametrize("value", [None, "many", -1])
    def test_point_that_is_no_measurement_is_left_out(self, value: object) -> None:
        assert self.read((30, value), (60, 5)) == [5]

    @pytest.mark.parametrize(("value", "level"), [(0, 0), (50, 1), (100, 2), (24, 0), (170, 2)])
    def test_pressure_is_a_level(self, value: float, level: int) -> None:
        assert self.read((30, value), metric="flink_max_op_backpressure_level") == [level]

    def test_latency_that_nobody_measures_is_no_figure(self) -> None:
        """Flink has none unless metrics.latency.interval is set."""
        assert self.read((30, 0), metric="flink_max_op_latency") == []
        assert self.read((30, 250), metric="flink_max_op_latency") == [0.25]

    @pytest.mark.parametrize(
        "metric",
        [
            {},
            {"metric_name": "flink_cpu_usage"},
            {"metric_name": "flink_max_op_latency", "dimensions": []},
            {"metric_name": "flink_max_op_latency", "dimensions": [{"name": "queue_id"}]},
            7,
        ],
    )
    def test_what_was_not_asked_for_is_passed_over(self, metric: object) -> None:
        assert parse_figures({"metrics": [metric]}, EPOCH, Flaws()) == ()

    def test_question_is_for_as_many_points_as_one_may_have(self) -> None:
        asked = json.loads(write_question([("7", "flink_max_op_latency")], EPOCH + 59.9))
        assert (asked["period"], asked["filter"]) == ("1", "average")
        assert asked["from"] % 60_000 == 0
        assert (asked["to"] - asked["from"]) // 60_000 * 500 == 3000
        assert asked["to"] >= (EPOCH + 59.9) * 1000


class TestSettings:
    @staticmethod
    def problems(**given: Any) -> list[str]:
        settings = {"name": "s", "platform": "huawei_dli", "project_id": "p", "auth": AUTH, **given}
        with pytest.raises(ValidationError) as caught:
            huawei_dli.Settings.model_validate(settings)
        return [error["msg"] for error in caught.value.errors()]

    @pytest.mark.parametrize("region", [{}, {"region": "eu-de"}])
    def test_other_cloud_needs_the_address_of_its_cloud_eye(self, region: dict[str, str]) -> None:
        given = {"endpoint": "https://dli.eu-de.otc.t-systems.com", **region}
        assert self.problems(cloud_eye=True, **given) == [
            "cloud_eye_endpoint is required: endpoint is not the public one of region"
        ]

    def test_address_without_cloud_eye_is_a_slip(self) -> None:
        assert self.problems(region="cn-north-4", cloud_eye_endpoint="https://ces.example") == [
            "cloud_eye_endpoint is for cloud_eye: true"
        ]

    @pytest.mark.parametrize(
        ("given", "place"),
        [
            ({"region": "cn-north-4"}, CES),
            ({"endpoint": DLI}, CES),
            ({"region": "eu-west-101"}, "https://ces.eu-west-101.myhuaweicloud.eu"),
            (
                {"region": "cn-north-4", "cloud_eye_endpoint": "https://c.example"},
                "https://c.example",
            ),
        ],
    )
    def test_place_is_that_of_the_region(self, given: dict[str, str], place: str) -> None:
        settings = {"name": "s", "platform": "huawei_dli", "project_id": "p", "cloud_eye": True}
        assert huawei_dli.Settings.model_validate(settings | given).cloud_eye_place == place


def test_name_of_the_operation_is_that_of_the_sdk() -> None:
    assert OPERATION == simulated.QUERY
