"""The status page in a real browser: in the language and the time zone of its reader."""

import pytest

from exporter.model import State
from tests.browser.chromium import Chromium, Page
from tests.browser.site import Site, site
from tests.e2e.status_page.fleet import changed, fleet, left
from tests.e2e.status_page.page_elements import NAMES, REFRESH, ROWS
from tests.jobs import job, snapshot

HEADLINE = "3 个源，17 个作业：4 个需要关注，1 个源中断，1 个源还没有读取过"


def test_reader_of_chinese_gets_the_page_in_chinese(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.prefer_languages("zh-CN,zh;q=0.9,en;q=0.8")
    page.open(served.address)
    assert page.run("document.documentElement.lang") == "zh-CN"
    assert page.run("document.title") == "(4) 流作业"
    assert page.texts("h1") == [HEADLINE]
    assert page.texts(f"{ROWS} .state")[:3] == [
        *("failed 失败 处理办法", "failed 失败 处理办法", "running 运行中 节点 enrich 失败"),
    ]
    assert "1 分 30 秒前" in page.texts(".sources tr.bad")[0]
    page.until("!document.getElementById('live').hidden")
    assert page.texts("#live") == ["实时 暂停"]
    page.click("#live-button")
    assert page.texts("#live") == ["已暂停 继续"]
    assert page.run("document.getElementById('live-button').ariaLabel") == "继续更新"
    page.click(f"{ROWS} a.reason")
    page.until("document.body.innerText.includes('处理办法')")
    assert page.run("location.pathname") == "/runbooks/zh/StreamingJobFailed"


def test_page_in_chinese_says_in_chinese_that_the_exporter_does_not_answer(
    browser: Chromium,
) -> None:
    with browser.page() as page:
        with site() as served:
            served.publish(snapshot(job("orders")))
            page.open(f"{served.address}/?lang=zh")
        page.run(REFRESH)
        page.until("document.getElementById('live-state').textContent === '没有响应'")
        assert page.texts("#announcer") == ["导出器没有响应，页面显示的是最后一次取得的内容。"]


def test_choice_of_a_language_stays_wherever_one_goes(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(served.address)
    page.click("#language")
    page.until("document.documentElement.lang === 'zh-CN'")
    page.click(".chip.state-failed")
    page.until("location.search === '?state=failed&lang=zh'")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    page.click("#q")
    page.type("payments")
    page.until(f"document.querySelectorAll('{ROWS}').length === 1")
    # The switch leads to what is shown now, not to what was shown when the page was loaded.
    assert page.run("document.getElementById('language').getAttribute('href')") == (
        "./?q=payments&state=failed&lang=en"
    )
    page.click(NAMES)
    page.until("document.querySelector('h1').innerText === 'payments_dedup'")
    assert page.run("document.documentElement.lang") == "zh-CN"
    assert page.texts("h2")[:2] == ["最近一次错误的全文", "状态"]
    page.click(".crumbs a")
    page.until("location.pathname === '/' && location.search === '?lang=zh'")
    page.click("#language")
    page.until("document.documentElement.lang === 'en'")
    page.click(".brand")
    page.until("location.search === '?lang=en'")


def test_choice_of_a_language_needs_no_javascript(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.prefer_languages("zh-CN")
    page.forbid_scripts()
    page.open(served.address)
    assert page.texts("h1") == [HEADLINE]
    page.click("#language")
    page.until("document.documentElement.lang === 'en'")
    page.click("#q")
    page.type("orders")
    page.press("Enter")
    page.until("location.search.includes('q=orders')")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    assert page.run("document.documentElement.lang") == "en"
    page.click(NAMES)
    page.until("document.querySelector('h1').innerText === 'orders_enrichment'")
    assert page.texts(".crumbs") == ["All jobs"]


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("Asia/Shanghai", "2023-11-15 06:13:20 +08:00"),
        # The offset is that of the moment, which is in winter.
        ("Europe/Berlin", "2023-11-14 23:13:20 +01:00"),
        ("Asia/Kolkata", "2023-11-15 03:43:20 +05:30"),
        ("America/St_Johns", "2023-11-14 18:43:20 -03:30"),
    ],
)
def test_times_are_those_of_the_reader_with_utc_beside(
    page: Page, served: Site, zone: str, local: str
) -> None:
    served.publish(*fleet())
    page.move_to(zone)
    page.open(served.address)
    both = f"{local} (2023-11-14 22:13:20 UTC)"
    page.until("document.querySelector('.rendered .utc') !== null")
    assert page.texts(".rendered") == [f"As of {both}"]
    titles = page.run("[...document.querySelectorAll('.sources time')].map((each) => each.title)")
    assert both in titles
    assert page.run("document.querySelector('.rendered time').dateTime") == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("width", [861, 1000, 1280])
def test_times_of_the_reader_stay_within_their_place(page: Page, served: Site, width: int) -> None:
    dli, *_ = fleet()
    served.publish(changed(dli, "payments_dedup", state=State.RUNNING), dli)
    page.move_to("Asia/Shanghai")
    page.resize(width, 800)
    page.open(f"{served.address}/?q=payments_dedup")
    page.click(NAMES)
    page.until("document.querySelectorAll('.zone').length > 6")
    outside = """[...document.querySelectorAll(".zone")].filter((e) => {
        const place = e.closest("dd, .moment, li, p").getBoundingClientRect();
        const own = e.getBoundingClientRect();
        return own.right > place.right + 0.5 || own.left < place.left - 0.5;
        }).map((e) => e.parentElement.outerHTML)"""
    assert page.run(outside) == []


def test_times_are_in_utc_for_who_lives_there_or_runs_no_script(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.move_to("UTC")
    page.open(served.address)
    page.until("!document.getElementById('live').hidden")
    assert page.texts(".rendered") == ["As of 2023-11-14 22:13:20 UTC"]
    page.move_to("Asia/Shanghai")
    page.forbid_scripts()
    page.open(served.address)
    assert page.texts(".rendered") == ["As of 2023-11-14 22:13:20 UTC"]
    assert "2023-11-14 22:13:20 UTC" in page.run(
        "[...document.querySelectorAll('time')].map((each) => each.title)"
    )


def test_refresh_keeps_the_times_of_the_reader_and_touches_none_that_is_the_same(
    page: Page, served: Site
) -> None:
    dli, *_ = fleet()
    served.publish(changed(dli, "payments_dedup", state=State.RUNNING), dli, left())
    page.move_to("Asia/Shanghai")
    page.open(f"{served.address}/?q=payments_dedup")
    page.click(NAMES)
    page.until("document.querySelector('.changes .utc') !== null")
    assert page.texts(".changes .clock") == ["2023-11-15 06:12:50 +08:00 (2023-11-14 22:12:50 UTC)"]
    page.run(
        """(() => { window.touched = [];
        new MutationObserver((all) => window.touched.push(...all.map((each) => each.type)))
          .observe(document.getElementById("content"),
            {subtree: true, childList: true, characterData: true, attributes: true}); })()"""
    )
    page.run(REFRESH)
    page.until("performance.getEntriesByType('resource').some((e) => e.name.includes('/job?'))")
    page.run("new Promise((done) => setTimeout(done, 300))")
    assert page.run("window.touched") == []
    served.publish(changed(dli, "payments_dedup", restart_times=77))
    page.run(REFRESH)
    page.until("document.querySelector('.groups').innerText.includes('77')")
    assert page.texts(".rendered .utc") == ["(2023-11-14 22:13:20 UTC)"]
