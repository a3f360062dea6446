"""A text that needs a form of its own, an address or a pattern, is refused in any other."""

import pytest

from tests.configuration.configurations import ENDPOINT, HIDDEN, flink, problems, read

RULES: dict[str, tuple[str, list[str]]] = {
    "endpoint with credentials": (
        f"sources: [{{name: f, platform: apache_flink, endpoint: 'https://u:{HIDDEN}@h'}}]\n",
        [f"sources[0].endpoint: {ENDPOINT}"],
    ),
    "endpoint missing": (
        "sources: [{name: f, platform: apache_flink}]\n",
        ["sources[0]: give exactly one of endpoint, endpoints or discovery"],
    ),
    "proxy": (
        flink("proxy_url: 'socks5://h:1'"),
        ["sources[0].proxy_url: expected http(s)://host:port"],
    ),
    "patterns": (
        flink("expect: ['a(', ok, '[b'], jobs: {include: ['*'], exclude: ['c)']}"),
        [
            "sources[0].jobs.include[0]: not a regular expression: nothing to repeat at position 0",
            "sources[0].jobs.exclude[0]: not a regular expression: "
            "unbalanced parenthesis at position 1",
            "sources[0].expect[0]: not a regular expression: "
            "missing ), unterminated subpattern at position 1",
            "sources[0].expect[2]: not a regular expression: "
            "unterminated character set at position 0",
        ],
    ),
    "pattern beyond counting": (
        flink("expect: ['a{99999999999}']"),
        ["sources[0].expect[0]: not a regular expression: the repetition number is too large"],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_configuration_is_refused_with_these_lines(rule: str) -> None:
    text, lines = RULES[rule]
    assert problems(text) == lines


@pytest.mark.parametrize(
    "endpoint",
    [
        *("", "h", "h:1", "//h", "ftp://h", "https://", "https:///x", "https://h?a=b"),
        *("https://h#x", "https://u@h", "https://u:p@h", "https://h/a b", "https://h\\\\x"),
        *(" https://h", "https://h\\n", "https://:8081", "https://h:99999", "https://h:0"),
        *("https://[::1", "https://[zz]", "https://999.1.1.1", "https://xn--", "https://h:x"),
    ],
)
def test_endpoint_is_refused_when_it_is_no_plain_address(endpoint: str) -> None:
    text = f'sources: [{{name: f, platform: apache_flink, endpoint: "{endpoint}"}}]\n'
    assert problems(text) == [f"sources[0].endpoint: {ENDPOINT}"]


@pytest.mark.parametrize(
    ("endpoint", "kept"),
    [
        ("http://localhost:8081", "http://localhost:8081"),
        ("https://h/", "https://h"),
        ("https://h/a/b/", "https://h/a/b"),
        ("https://[::1]:8081/x", "https://[::1]:8081/x"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://flink.例え.jp", "https://flink.例え.jp"),
    ],
)
def test_endpoint_is_kept_without_its_last_slash(endpoint: str, kept: str) -> None:
    text = f'sources: [{{name: f, platform: apache_flink, endpoint: "{endpoint}"}}]\n'
    assert read(text).sources[0].settings.endpoint == kept


@pytest.mark.parametrize(
    "proxy", ["h:1", "ftp://h:1", "socks5://h:1", "http://", "http://h:99999", "http://h:1/x?y"]
)
def test_proxy_is_refused_when_it_is_none(proxy: str) -> None:
    assert problems(flink(f"proxy_url: '{proxy}'")) == [
        "sources[0].proxy_url: expected http(s)://host:port"
    ]


@pytest.mark.parametrize("proxy", ["http://h:3128", "https://h", f"http://u:{HIDDEN}@h:1/"])
def test_proxy_is_kept_and_its_password_shown_nowhere(proxy: str) -> None:
    config = read(flink(f"proxy_url: '{proxy}'"))
    assert config.sources[0].settings.proxy_url == proxy
    assert HIDDEN not in repr(config)


def test_pattern_with_brackets_beyond_nesting_is_refused() -> None:
    (line,) = problems(flink(f"expect: ['{'(' * 3000}']"))
    assert line.startswith("sources[0].expect[0]: not a regular expression: ")
