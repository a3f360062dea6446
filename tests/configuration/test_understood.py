"""A configuration is understood with its defaults, in every dress that YAML allows."""

from pathlib import Path

import pytest

from tests.configuration.configurations import HIDDEN, MINIMAL, flink, read


def test_source_has_the_documented_defaults() -> None:
    (source,) = read(MINIMAL).sources
    settings = source.settings
    assert source.platform.name == "apache_flink"
    assert (settings.name, settings.platform) == ("flink", "apache_flink")
    assert (settings.poll_interval, settings.detail_interval) == (30.0, 120.0)
    assert (settings.timeout, settings.stale_after) == (10.0, 300.0)
    assert (settings.rate_limit, settings.concurrency) == (50.0, 8)
    assert (settings.ended_retention, settings.state_series) == (86400.0, "all")
    assert (settings.expect, settings.label_pairs, settings.proxy_url) == ((), (), None)
    assert settings.jobs.model_dump() == {"include": (), "exclude": (), "ids": (), "drafts": False}
    assert set(settings.tls.model_dump().values()) == {None, False}


def test_defaults_hold_for_each_source_unless_it_says_otherwise() -> None:
    config = read("""
        defaults:
          poll_interval: 1m
          rate_limit: 7
          labels: {team: a}
          jobs: {drafts: true, include: [x]}
        sources:
          - {name: one, platform: apache_flink, endpoint: http://h}
          - name: two
            platform: apache_flink
            endpoint: http://h
            poll_interval: 5s
            labels: {}
            jobs: {include: [y]}
        """)
    one, two = (source.settings for source in config.sources)
    assert (one.poll_interval, one.rate_limit, one.label_pairs) == (60.0, 7.0, (("team", "a"),))
    assert (one.jobs.drafts, one.jobs.include) == (True, ("x",))
    assert (two.poll_interval, two.rate_limit, two.label_pairs) == (5.0, 7.0, ())
    assert (two.jobs.drafts, two.jobs.include) == (False, ("y",))


def test_every_platform_of_the_documentation_is_understood(tmp_path: Path) -> None:
    for name in ("sk", "pw", "aks"):
        (tmp_path / name).write_text(f"{name}-{HIDDEN}\n")
    config = read(
        """
        defaults:
          poll_interval: 30s
          detail_interval: 2m
          timeout: 10s
          stale_after: 5m
          rate_limit: 10
          concurrency: 8
          ended_retention: 24h
          state_series: all
        sources:
          - name: dli-prod
            platform: huawei_dli
            region: cn-north-4
            project_id: 330e068af1334c9782f4226acc00a2e2
            endpoint: https://dli.cn-north-4.myhuaweicloud.com
            auth: {access_key: "${HUAWEICLOUD_SDK_AK}", secret_key_file: sk}
            jobs: {include: ["prod_.*"], exclude: [], ids: [], drafts: false}
            expect: ["orders_.*"]
            labels: {team: payments}
          - name: dli-token
            platform: huawei_dli
            region: ap-southeast-3
            project_id: 330e068af1334c9782f4226acc00a2e2
            auth: {iam: {endpoint: https://iam.x, username: u, password_file: pw, domain: d}}
          - {name: f, platform: huawei_dataarts, region: cn-north-4, project_id: p, workspace: w}
          - name: blink
            platform: alibaba_blink
            region: cn-shanghai
            projects: [project1]
            auth: {access_key_id: i, access_key_secret_file: aks}
          - {name: v, platform: alibaba_flink, region: cn-hangzhou, workspace: w, namespaces: [n]}
          - name: flink
            platform: apache_flink
            endpoint: http://localhost:8081
            auth: {basic: {username: u, password_file: pw}}
        """,
        {"HUAWEICLOUD_SDK_AK": f"AK-{HIDDEN}"},
        tmp_path,
    )
    assert [source.platform.name for source in config.sources] == [
        *("huawei_dli", "huawei_dli", "huawei_dataarts"),
        *("alibaba_blink", "alibaba_flink", "apache_flink"),
    ]
    assert HIDDEN not in repr(config)
    assert repr(config).count("<secret>") >= 5


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        "\ufeff" + MINIMAL,
        MINIMAL.replace("\n", "\r\n"),
        "defaults:\n" + MINIMAL,
        "defaults: {}\n" + MINIMAL,
        "# 注释\n" + MINIMAL,
        '{"sources": [{"name": "f", "platform": "apache_flink", "endpoint": "http://h"}]}',
    ],
)
def test_same_configuration_is_understood_in_every_dress(text: str) -> None:
    assert len(read(text).sources) == 1


def test_two_readings_of_the_same_text_are_equal_and_of_another_are_not() -> None:
    text = flink("auth: {bearer: {token: '${T}'}}, labels: {a: b}")
    assert read(text, {"T": "1"}) == read(text, {"T": "1"})
    assert read(text, {"T": "1"}) != read(text, {"T": "2"})


def test_job_ids_may_be_written_as_numbers() -> None:
    config = read("""
        sources: [{name: d, platform: huawei_dli, region: cn-north-4, project_id: p,
                   jobs: {ids: [140512, "140513"]}}]
        """)
    assert config.sources[0].settings.jobs.ids == ("140512", "140513")


def test_anchors_and_merges_may_be_used() -> None:
    config = read("""
        sources:
          - &one
            name: one
            platform: apache_flink
            endpoint: http://h
            labels: &labels {team: a}
          - <<: *one
            name: two
            labels: {<<: *labels, stage: b}
          - <<: [*one]
            name: three
        """)
    assert [source.settings.label_pairs for source in config.sources] == [
        (("team", "a"),),
        (("stage", "b"), ("team", "a")),
        (("team", "a"),),
    ]


def test_merge_that_overrides_a_key_is_no_repeated_key_however_deep_it_stands() -> None:
    config = read("""
        sources:
          - name: one
            platform: apache_flink
            endpoint: http://h
            labels: &base {team: a, stage: b}
          - name: two
            platform: apache_flink
            endpoint: http://h
            jobs: {include: [], exclude: []}
            labels: &more {<<: *base, team: c}
          - {name: three, platform: apache_flink, endpoint: http://h, labels: {<<: *more, x: "1"}}
        """)
    assert [dict(source.settings.labels) for source in config.sources] == [
        {"team": "a", "stage": "b"},
        {"team": "c", "stage": "b"},
        {"team": "c", "stage": "b", "x": "1"},
    ]
