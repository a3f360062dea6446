"""The status page in a real browser: sources, jobs, and the page of one job."""

import json
import sys

import pytest

from exporter.model import State
from tests.browser.chromium import Page
from tests.browser.site import Site
from tests.e2e.status_page.fleet import SCRIPT, changed, fleet, left, many
from tests.e2e.status_page.page_elements import NAMES, ROWS


def test_overview_shows_sources_and_jobs_that_need_a_look_first(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(served.address)
    headline = (
        "17 jobs in 3 sources: 4 need a look, 1 source is down, 1 source has not been read yet"
    )
    assert page.texts("h1") == [headline]
    assert page.texts(".sources tbody th a") == ["vvp", "dli", "waiting"]
    [down] = page.texts(".sources tr.bad")
    assert "down" in down
    assert "1 min 30 s ago" in down
    assert "timeout: no answer within 10 s" in down
    assert "settlement_.*" in page.texts(".sources tr.warning")[0]
    assert "in 12 s" in page.texts(".sources tr.warning")[0]
    assert page.texts(f"{ROWS} .state")[:5] == [
        *("failed what to do", "failed what to do", "running node enrich failed"),
        *("stopping stuck for 2 h", "restarting"),
    ]
    assert page.run("document.title") == "(4) Streaming jobs"


def test_jobs_that_are_no_longer_seen_are_there_with_what_is_wrong_with_them(
    page: Page, served: Site
) -> None:
    served.publish(*fleet(), left())
    page.open(f"{served.address}/?source=left")
    assert page.texts(NAMES) == ["y" * 119 + "…", "vanished"]
    failed, gone = page.texts(f"{ROWS} .state")
    assert failed == "not seen since 15 min ago failed"
    assert gone.startswith("gone since 15 min ago last seen restarting, 16 min ago")
    page.click(NAMES)
    page.until("document.querySelector('h1').innerText.startsWith('yyy')")
    assert page.texts(".problems li") != []


def test_what_to_do_about_a_problem_is_one_click_away(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(f"{served.address}/?q=payments_dedup")
    page.click(f"{ROWS} a.reason")
    page.until("document.body.innerText.startsWith('# StreamingJobFailed')")
    page.run("history.back()")
    page.until("document.querySelector('.job-table') !== null")
    page.click(NAMES)
    page.until("document.querySelector('.problems a[hreflang=zh]') !== null")
    page.click(".problems a[hreflang=zh]")
    page.until("document.body.innerText.includes('处理办法')")


def test_page_of_a_job_has_its_whole_error_and_what_it_went_through(
    page: Page, served: Site
) -> None:
    dli, *_ = fleet()
    served.publish(changed(dli, "payments_dedup", state=State.RUNNING), dli)
    page.open(f"{served.address}/?q=payments_dedup")
    page.click(NAMES)
    page.until("document.querySelector('h1').innerText === 'payments_dedup'")
    assert page.texts(".title .pill") == ["failed"]
    assert page.run("document.querySelector('#error pre').textContent").count("\tat a.b.C") == 80
    assert "FAILED 2" in page.texts(".card[data-key=tasks]")[0]
    [change] = page.texts(".changes li")
    assert change.endswith("running → to failed job_failed")
    links = page.run("[...document.querySelectorAll('.links a')].map((a) => a.href)")
    [found] = page.run(f"fetch({json.dumps(links[0])}).then((a) => a.json())")["jobs"]
    assert found["job_name"] == "payments_dedup"
    page.click(".crumbs a")
    page.until(f"document.querySelectorAll('{ROWS}').length > 2")


@pytest.mark.parametrize("name", ["每日对账 a/b?c=d&e", SCRIPT, "x" * 300])
def test_job_of_any_name_can_be_opened(page: Page, served: Site, name: str) -> None:
    served.publish(*fleet())
    page.open(served.address)
    link = page.run(
        f"""[...document.querySelectorAll('{NAMES}')].find((a) =>
        a.textContent.slice(0, 100) === {json.dumps(name[:100])}).href"""
    )
    page.open(link)
    assert page.texts("h1") == [name]
    assert page.run("document.scripts.length") == 1


def test_ten_thousand_jobs_do_not_freeze_the_browser(page: Page, served: Site) -> None:
    served.publish(many(10_000))
    page.open(served.address)
    paint = page.until("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    sys.stdout.write(f"first paint with 10,000 jobs: {paint:.0f} ms\n")
    assert page.texts("#found")[0].startswith("10,000 jobs, worst first, page 1 of 50")
    assert len(page.texts(ROWS)) == 200
    assert sum(int(text.replace(",", "")) for text in page.texts(".chip b")) == 10_000
    longest = """(() => { const started = performance.now(); document.body.offsetHeight;
        return performance.now() - started; })()"""
    assert page.run(longest) < 1000
    page.click("#q")
    page.type("job_0999")
    page.until(f"document.querySelectorAll('{ROWS}').length === 10")
    page.click(".found a")
    page.until(f"document.querySelectorAll('{ROWS}').length === 200")
    page.click(".pages a[rel=next]")
    page.until("document.querySelector('.pages span').innerText === 'Page 2 of 50'")
    assert page.run("document.getElementById('jobs-title').getBoundingClientRect().top < 400")
