"""The status page in a real browser: usable without JavaScript, by keyboard, on any screen."""

from pathlib import Path

import pytest

from exporter.model import State
from tests.browser.chromium import Chromium, Page
from tests.browser.site import Site
from tests.e2e.status_page.fleet import changed, fleet, left
from tests.e2e.status_page.page_elements import NAMES, ROWS

AXE = Path(__file__).parents[2] / "browser" / "node_modules" / "axe-core" / "axe.min.js"

_OUTSIDE = """[...document.querySelectorAll("body *")].filter((e) => !e.closest(".hidden, .skip")
    && e.getBoundingClientRect().right > 360.5).map((e) => e.outerHTML.slice(0, 80))"""
"""What reaches out of a screen of 360 pixels."""
_CUT = """[...document.querySelectorAll("body *")].filter((e) => !e.closest(".hidden, .sprite")
    && getComputedStyle(e).overflowX === "hidden" && e.scrollWidth > e.clientWidth + 1
    && getComputedStyle(e).display !== "inline").map((e) => e.outerHTML.slice(0, 80))"""
"""What cannot be read to its end at the side."""


def _width(page: Page) -> int:
    return int(page.run("document.documentElement.scrollWidth"))


def test_everything_works_without_javascript(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.forbid_scripts()
    page.open(served.address)
    assert len(page.texts(ROWS)) == 17
    assert page.run("document.getElementById('live').hidden")
    page.click("#q")
    page.type("orders")
    page.press("Enter")
    page.until("location.search.includes('q=orders')")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    page.run("window.left = false")
    page.click("noscript button")
    # The same address again: only that the old document has gone tells that the new one is here.
    page.until("window.left === undefined && document.readyState === 'complete'")
    page.click(".chip.state-running")
    page.until("location.search.includes('state=running')")
    page.click(".job-table thead th[data-key=delay] a")
    page.until("location.search.includes('sort=delay')")
    page.until("document.querySelector('[aria-sort]')?.innerText === 'Delay ↓'")
    assert page.run("document.querySelector('input[name=sort]').value") == "delay"
    page.click(NAMES)
    page.until("document.querySelector('h1')?.innerText === 'orders_enrichment'")


def test_keyboard_alone_reaches_and_does_everything(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(served.address)

    def focused() -> str:
        return str(page.run("document.activeElement.id || document.activeElement.innerText"))

    def tab_to(text: str) -> None:
        for _ in range(60):
            if focused() == text:
                return
            page.press("Tab")
        raise AssertionError(f"the keyboard does not reach {text}")

    page.press("Tab")
    assert focused() == "Skip to content"
    assert page.run("document.activeElement.getBoundingClientRect().top >= 0")
    page.press("Enter")
    assert focused() == "content"
    tab_to("q")
    page.type("enrichment")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    tab_to("Delay")
    page.press("Enter")
    page.until("document.querySelector('[aria-sort]')?.innerText === 'Delay ↓'")
    tab_to("orders_enrichment")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.run(outline) == "solid"
    page.press("Enter")
    page.until("document.querySelector('h1').innerText === 'orders_enrichment'")
    page.press("Tab")
    tab_to("All jobs")
    page.press("Enter")
    page.until("document.querySelector('#q') !== null")
    tab_to("live-button")
    page.press("Space")
    assert page.texts("#live-state") == ["Paused"]


def _open(page: Page, served: Site, path: str) -> None:
    """Open a page by its path, or that of the job of this name."""
    if path.startswith("/"):
        page.open(served.address + path)
        return
    page.open(f"{served.address}/?q={path}")
    page.open(page.run(f"document.querySelector('{NAMES}').href"))


@pytest.mark.parametrize("path", ["/", "/?q=nothing+matches", "job"])
def test_phone_shows_everything_without_scrolling_sideways(
    page: Page, served: Site, path: str
) -> None:
    served.publish(*fleet(), left())
    # Local times with UTC beside are the longest.
    page.move_to("Asia/Shanghai")
    page.resize(360, 740, phone=True)
    page.open(f"{served.address}/" if path == "job" else served.address + path)
    if path == "job":
        for link in page.run(f"[...document.querySelectorAll('{NAMES}')].map((a) => a.href)"):
            page.open(link)
            page.until("document.querySelector('.rendered .utc') !== null")
            assert _width(page) == 360
            assert page.run(_OUTSIDE) == []
        return
    assert _width(page) == 360
    assert page.run(_OUTSIDE) == []


@pytest.mark.parametrize("width", [361, 600, 860, 861, 1000, 1180, 1440, 2500])
def test_no_width_scrolls_sideways(page: Page, served: Site, width: int) -> None:
    served.publish(*fleet(), left())
    page.resize(width, 800)
    page.open(served.address)
    assert _width(page) == width


def test_dark_page_is_dark_and_light_page_is_light(page: Page, served: Site) -> None:
    served.publish(*fleet())
    brightness = """getComputedStyle(document.body).backgroundColor.match(/\\d+/g)
        .map(Number).reduce((one, other) => one + other)"""
    found = {}
    for scheme in ("light", "dark"):
        page.prefer(color_scheme=scheme)
        page.open(served.address)
        colour = page.run(
            "getComputedStyle(document.querySelector('.pill.state-failed .mark')).fill"
        )
        found[scheme] = (page.run(brightness), colour)
    assert found["light"][0] > 700
    assert found["dark"][0] < 100
    assert [colour for _, colour in found.values()] == ["rgb(213, 94, 0)", "rgb(242, 121, 43)"]


def _violations(page: Page) -> list[str]:
    page.run(AXE.read_text())
    found = page.run(
        """axe.run(document, {resultTypes: ["violations"]}).then((result) =>
        result.violations.map((each) => [each.impact, each.id, each.nodes.slice(0, 5).map(
          (node) => node.target.join(" ") + ": " + node.failureSummary)]))"""
    )
    return [f"{impact} {rule}: {nodes}" for impact, rule, nodes in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?state=failed&sort=delay&q=o",
        "/?source=dli&source=vvp",
        "payments",
        "vanished",
        "/job",
    ],
)
def test_accessibility_checker_finds_nothing(
    browser: Chromium, served: Site, path: str, width: int, scheme: str
) -> None:
    dli, *others = fleet()
    served.publish(changed(dli, "payments_dedup", state=State.RUNNING), dli, *others, left())
    with browser.page() as page:
        page.resize(width, 800)
        page.prefer(color_scheme=scheme)
        _open(page, served, path)
        assert _violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "payments", "vanished"])
def test_accessibility_checker_finds_nothing_in_chinese_either(
    page: Page, served: Site, path: str, scheme: str
) -> None:
    dli, *others = fleet()
    served.publish(changed(dli, "payments_dedup", state=State.RUNNING), dli, *others, left())
    page.prefer_languages("zh-CN,zh;q=0.9")
    page.move_to("Asia/Shanghai")
    page.prefer(color_scheme=scheme)
    for width in (360, 1280):
        page.resize(width, 800)
        _open(page, served, path)
        assert page.run("document.documentElement.lang") == "zh-CN"
        assert _violations(page) == []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("path", ["/", "/job", "payments", "vanished"])
def test_phone_without_javascript_shows_everything_in_both_languages(
    page: Page, served: Site, path: str, language: str
) -> None:
    dli, *others = fleet()
    served.publish(changed(dli, "payments_dedup", state=State.RUNNING), dli, *others, left())
    page.prefer_languages(language)
    page.forbid_scripts()
    page.resize(360, 740, phone=True)
    if path == "/job":
        page.send("Log.disable")  # It reports the status 404.
    _open(page, served, path)
    assert page.run("document.documentElement.lang") == language
    assert _width(page) == 360
    assert page.run(_OUTSIDE) == []
    assert page.run(_CUT) == []
