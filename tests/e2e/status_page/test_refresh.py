"""The status page in a real browser: it follows what changes, and can be held."""

from exporter.model import State
from tests.browser.chromium import Chromium, Page
from tests.browser.site import Site, site
from tests.e2e.status_page.fleet import changed
from tests.e2e.status_page.page_elements import NAMES, REFRESH, ROWS
from tests.jobs import job, snapshot


def test_state_that_changes_shows_by_itself_and_only_trouble_is_announced(
    page: Page, served: Site
) -> None:
    found = snapshot(job("orders"), job("payments"), job("quiet"))
    served.publish(found)
    page.open(served.address)
    row = f'{ROWS}[data-key*="job_id=payments"]'
    page.run(f"document.querySelector('{row} a').focus()")
    page.run("window.stayed = true")
    served.publish(changed(found, "quiet", restart_times=7))
    page.run(REFRESH)
    page.until(f"document.querySelector('{ROWS}[data-key*=quiet]').innerText.includes('7')")
    assert page.texts("#announcer") == [""]
    served.publish(changed(found, "payments", state=State.FAILED))
    page.until(f"document.querySelector('{row} .state .pill').innerText === 'failed'")
    assert page.texts(NAMES) == ["payments", "orders", "quiet"]
    assert page.run(f"document.activeElement === document.querySelector('{row} a')")
    assert page.run("window.stayed") is True
    assert page.texts("#announcer") == ["Jobs: 1 failed."]
    assert page.run("document.title") == "(1) Streaming jobs"


def test_refresh_touches_only_what_is_different(page: Page, served: Site) -> None:
    found = snapshot(*(job(f"job_{number:03}") for number in range(100)))
    served.publish(found)
    page.open(served.address)
    page.run(
        f"""(() => {{
          window.touched = new Set();
          const row = (node) => (node.closest ? node : node.parentElement)?.closest("tr");
          new MutationObserver((changes) => {{
            for (const change of changes)
              for (const node of [change.target, ...change.addedNodes, ...change.removedNodes]) {{
                const found = row(node);
                if (found) window.touched.add(found.querySelector("a").textContent);
              }}
          }}).observe(document.querySelector("{ROWS}").parentElement,
            {{subtree: true, childList: true, characterData: true, attributes: true}});
        }})()"""
    )
    served.publish(changed(found, "job_050", restart_times=1))
    page.run(REFRESH)
    page.until("window.touched.size > 0")
    assert page.run("[...window.touched]") == ["job_050"]


def test_job_that_leaves_takes_only_its_own_row_away(page: Page, served: Site) -> None:
    found = snapshot(job("a"), job("b"), job("c"))
    served.publish(found)
    page.open(served.address)
    page.run(f"document.querySelectorAll('{NAMES}')[2].focus()")
    page.run(f"window.last = document.querySelectorAll('{ROWS}')[2]")
    served.publish(snapshot(*found.jobs[1:]))
    page.run(REFRESH)
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    assert page.run(f"window.last === document.querySelectorAll('{ROWS}')[1]")
    assert page.run("document.activeElement.textContent") == "c"
    served.publish(snapshot(found.jobs[1]))
    page.run(REFRESH)
    page.until(f"document.querySelectorAll('{ROWS}').length === 1")
    assert page.run("document.activeElement.id") == "jobs-title"


def test_pause_stops_the_refresh_until_it_is_resumed(page: Page, served: Site) -> None:
    found = snapshot(job("orders"))
    served.publish(found)
    page.open(served.address)
    page.click("#live-button")
    assert page.texts("#live") == ["Paused Resume"]
    served.publish(changed(found, "orders", state=State.FAILED))
    page.run(REFRESH)
    page.open(served.address)
    assert page.texts("#live-state") == ["Paused"]
    served.publish(found)
    page.run(REFRESH)
    assert page.texts(f"{ROWS} .state .pill") == ["failed"]
    page.click("#live-button")
    page.until(f"document.querySelector('{ROWS} .state').innerText === 'running'")


def test_reader_who_prefers_less_motion_gets_a_page_that_stands_still(
    page: Page, served: Site
) -> None:
    served.publish(snapshot(job("orders")))
    page.prefer(reduced_motion="reduce")
    page.open(served.address)
    assert page.texts("#live-state") == ["Paused"]


def test_page_says_when_the_exporter_does_not_answer(browser: Chromium) -> None:
    with browser.page() as page:
        with site() as served:
            served.publish(snapshot(job("orders")))
            page.open(served.address)
        page.run(REFRESH)
        page.until("document.getElementById('live-state').textContent === 'No answer'")
        assert page.texts(NAMES) == ["orders"]
        assert "does not answer" in page.texts("#announcer")[0]
