"""The status page in a real browser: everything that people do with it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.model import Job, Node, Snapshot, State
from tests.browser.chromium import Chromium, Page, chromium
from tests.browser.site import Site, site
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

AXE = Path(__file__).parent.parent / "browser" / "node_modules" / "axe-core" / "axe.min.js"
SCRIPT = "<script>alert(1)</script>"
REFRESH = 'document.dispatchEvent(new Event("visibilitychange"))'
ROWS = ".job-table tbody tr"
NAMES = f"{ROWS} th a"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def served() -> Iterator[Site]:
    with site() as started:
        yield started


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    """A page that the browser must not find anything wrong with."""
    with browser.page() as opened:
        yield opened
        assert opened.complaints() == []
        assert opened.dialogs() == 0


def _fleet() -> tuple[Snapshot, ...]:
    dli = snapshot(
        job(
            "orders_enrichment",
            input_delay_seconds=0.4,
            restart_times=0,
            duration_seconds=25_000.0,
            state_since_timestamp=EPOCH - 25_000,
        ),
        job(
            "payments_dedup",
            State.FAILED,
            error_id="RUNTIME.1001",
            error_type="java.lang.OutOfMemoryError",
            error_text="java.lang.OutOfMemoryError: Java heap space\n"
            + "\tat a.b.C(D.java:1)\n" * 80,
            last_error_timestamp=EPOCH - 30,
            state_since_timestamp=EPOCH - 30,
            restart_times=3,
            tasks=(("FAILED", 2), ("RUNNING", 6)),
        ),
        job("每日对账 a/b?c=d&e", State.FINISHED, duration_seconds=600.0),
        job(SCRIPT, State.RESTARTING, project=SCRIPT, error_text=SCRIPT, restart_times=7),
        job("x" * 300, State.STOPPING, state_since_timestamp=EPOCH - 7200),
        *(job(f"created_{state}", state) for state in State),
        next_poll_timestamp=EPOCH + 12,
        absent=("settlement_.*",),
        labels=(("team", "payments"),),
    )
    vvp = snapshot(
        job("orders_enrichment", input_delay_seconds=900.0, restart_times=1),
        job("node_trouble", nodes=(Node(name="enrich", node_type="DLI", state=State.FAILED),)),
        source="vvp",
        platform="alibaba_flink",
        up=False,
        failure="timeout: no answer within 10 s",
        last_success_timestamp=EPOCH - 90,
    )
    return (dli, vvp, snapshot(source="waiting", up=None, last_success_timestamp=None))


def _many(count: int) -> Snapshot:
    random = Random(1)
    states = [State.RUNNING] * 30 + list(State)
    return snapshot(
        *(
            job(
                f"job_{number:05}",
                random.choice(states),
                job_id=f"{number:032x}",
                restart_times=random.randrange(4),
                duration_seconds=random.uniform(0, 1e6),
                state_since_timestamp=EPOCH - random.uniform(0, 1e6),
            )
            for number in range(count)
        )
    )


def _changed(found: Snapshot, name: str, **facts: Any) -> Snapshot:
    """Return the snapshot with some facts of one job changed."""
    jobs = (
        job(**{**_values(each), **facts}) if each.job_name == name else each for each in found.jobs
    )
    return snapshot(*jobs, source=found.source)


def _values(found: Job) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in Job.__dataclass_fields__}
    return {"name": values.pop("job_name"), **values}


def _width(page: Page) -> int:
    return int(page.run("document.documentElement.scrollWidth"))


def test_overview_shows_sources_and_jobs_that_need_a_look_first(page: Page, served: Site) -> None:
    served.publish(*_fleet())
    page.open(served.address)
    assert page.texts("h1") == ["17 jobs in 3 sources: 8 need a look, 1 source is down"]
    assert page.texts(".sources tbody th a") == ["vvp", "dli", "waiting"]
    [down] = page.texts(".sources tr.bad")
    assert "down" in down
    assert "1 min 30 s ago" in down
    assert "timeout: no answer within 10 s" in down
    assert "settlement_.*" in page.texts(".sources tr.warning")[0]
    assert "in 12 s" in page.texts(".sources tr.warning")[0]
    assert page.texts(f"{ROWS} .state")[:3] == ["failed", "failed", "restarting"]
    assert page.run("document.title") == "(8) Streaming jobs"


def test_nothing_is_asked_of_any_other_server(page: Page, served: Site) -> None:
    served.publish(*_fleet())
    page.open(served.address)
    page.until("document.getElementById('live-state').textContent === 'Live'")
    assert all(address.startswith(served.address) for address in page.requested())


def test_search_shows_what_matches_while_typing_and_stays_in_the_address(
    page: Page, served: Site
) -> None:
    served.publish(*_fleet())
    page.open(served.address)
    page.click("#q")
    page.type("enrich")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    assert page.texts(NAMES) == ["orders_enrichment", "orders_enrichment"]
    assert page.run("location.search") == "?q=enrich"
    assert page.run("document.activeElement.id") == "q"
    assert page.run("document.getElementById('q').value") == "enrich"
    page.until("document.getElementById('announcer').textContent.includes('2 of 17 jobs')")


def test_words_that_arrive_while_an_answer_is_on_its_way_are_not_lost(
    page: Page, served: Site
) -> None:
    served.publish(*_fleet())
    page.open(served.address)
    page.click("#q")
    page.type("orders")
    page.until("location.search === '?q=orders'")
    page.type("_enrichment vvp")
    page.until(f"document.querySelectorAll('{ROWS}').length === 1")
    assert page.run("document.getElementById('q').value") == "orders_enrichment vvp"


def test_chip_filters_by_state_and_the_way_back_works(page: Page, served: Site) -> None:
    served.publish(*_fleet())
    page.open(served.address)
    page.run("window.stayed = true")
    page.click(".chip.state-failed")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    assert page.run("location.search") == "?state=failed"
    assert page.texts(".chip[aria-current]") == ["failed 2"]
    page.click(".chip.state-restarting")
    page.until(f"document.querySelectorAll('{ROWS}').length === 4")
    page.run("history.back()")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    page.click(".found a")
    page.until(f"document.querySelectorAll('{ROWS}').length === 17")
    assert page.run("window.stayed") is True


def test_choice_of_a_source_filters_and_survives_the_refresh(page: Page, served: Site) -> None:
    served.publish(*_fleet())
    page.open(served.address)
    page.run(
        """(() => { const choice = document.getElementById("source"); choice.value = "vvp";
        choice.dispatchEvent(new Event("input", {bubbles: true})); })()"""
    )
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    page.run(REFRESH)
    page.until("location.search === '?source=vvp'")
    assert page.run("document.getElementById('source').value") == "vvp"


def test_address_alone_gives_the_filtered_and_sorted_view(page: Page, served: Site) -> None:
    served.publish(*_fleet())
    page.open(
        f"{served.address}/?q=o&source=dli&state=failed&state=running&sort=restarts&order=asc"
    )
    assert page.texts(NAMES) == ["orders_enrichment", "payments_dedup"] + [
        name for name in page.texts(NAMES) if name.startswith("created")
    ]
    assert page.texts("[aria-sort]") == ["Restarts ↑"]
    assert page.run("document.getElementById('q').value") == "o"
    assert page.run("document.getElementById('source').value") == "dli"


def test_column_sorts_in_place_keeps_the_focus_and_turns_round(page: Page, served: Site) -> None:
    served.publish(*_fleet())
    page.open(served.address)
    head = ".job-table thead th[data-key=Restarts]"
    page.click(f"{head} a")
    page.until(f"document.querySelector('{head}').getAttribute('aria-sort') === 'descending'")
    assert page.texts(NAMES)[:3] == [SCRIPT, "payments_dedup", "orders_enrichment"]
    assert page.run(f"document.activeElement === document.querySelector('{head} a')")
    page.press("Enter")
    page.until(f"document.querySelector('{head}').getAttribute('aria-sort') === 'ascending'")
    assert page.texts(NAMES)[2] == "payments_dedup"


def test_page_of_a_job_has_its_whole_error_and_what_it_went_through(
    page: Page, served: Site
) -> None:
    dli, *_ = _fleet()
    served.publish(_changed(dli, "payments_dedup", state=State.RUNNING), dli)
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
    served.publish(*_fleet())
    page.open(served.address)
    link = page.run(
        f"""[...document.querySelectorAll('{NAMES}')].find((a) =>
        a.textContent.slice(0, 100) === {json.dumps(name[:100])}).href"""
    )
    page.open(link)
    assert page.texts("h1") == [name]
    assert page.run("document.scripts.length") == 1


def test_job_named_like_a_script_does_nothing(page: Page, served: Site) -> None:
    served.publish(*_fleet())
    page.open(f"{served.address}/?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.texts(NAMES) == [SCRIPT]
    assert page.run("document.scripts.length") == 1
    page.run(REFRESH)
    page.until("document.getElementById('live-state').textContent === 'Live'")
    page.click(NAMES)
    page.until("document.querySelector('#error pre') !== null")
    assert page.run("document.scripts.length") == 1
    assert page.dialogs() == 0


def test_policy_stops_a_script_even_if_one_got_into_the_page(
    browser: Chromium, served: Site
) -> None:
    served.publish(*_fleet())
    with browser.page() as page:
        page.open(served.address)
        page.run(
            """(() => { const script = document.createElement("script");
            script.textContent = "window.ran = true"; document.body.append(script); })()"""
        )
        assert page.run("window.ran === undefined")
        assert any("Content Security Policy" in text for text in page.complaints())


def test_state_that_changes_shows_by_itself_and_only_trouble_is_announced(
    page: Page, served: Site
) -> None:
    found = snapshot(job("orders"), job("payments"), job("quiet"))
    served.publish(found)
    page.open(served.address)
    row = f'{ROWS}[data-key*="job_id=payments"]'
    page.run(f"document.querySelector('{row} a').focus()")
    page.run("window.stayed = true")
    served.publish(_changed(found, "quiet", restart_times=7))
    page.run(REFRESH)
    page.until(f"document.querySelector('{ROWS}[data-key*=quiet]').innerText.includes('7')")
    assert page.texts("#announcer") == [""]
    served.publish(_changed(found, "payments", state=State.FAILED))
    page.until(f"document.querySelector('{row} .state').innerText === 'failed'")
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
    served.publish(_changed(found, "job_050", restart_times=1))
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
    served.publish(_changed(found, "orders", state=State.FAILED))
    page.run(REFRESH)
    page.open(served.address)
    assert page.texts("#live-state") == ["Paused"]
    served.publish(found)
    page.run(REFRESH)
    assert page.texts(f"{ROWS} .state") == ["failed"]
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


def test_everything_works_without_javascript(page: Page, served: Site) -> None:
    served.publish(*_fleet())
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
    page.click(".job-table thead th[data-key=Delay] a")
    page.until("location.search.includes('sort=delay')")
    page.until("document.querySelector('[aria-sort]')?.innerText === 'Delay ↓'")
    assert page.run("document.querySelector('input[name=sort]').value") == "delay"
    page.click(NAMES)
    page.until("document.querySelector('h1')?.innerText === 'orders_enrichment'")


def test_keyboard_alone_reaches_and_does_everything(page: Page, served: Site) -> None:
    served.publish(*_fleet())
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


@pytest.mark.parametrize("path", ["/", "/?q=nothing+matches", "job"])
def test_phone_shows_everything_without_scrolling_sideways(
    page: Page, served: Site, path: str
) -> None:
    served.publish(*_fleet())
    page.resize(360, 740, phone=True)
    page.open(f"{served.address}/" if path == "job" else served.address + path)
    if path == "job":
        for link in page.run(f"[...document.querySelectorAll('{NAMES}')].map((a) => a.href)"):
            page.open(link)
            assert _width(page) == 360
        return
    assert _width(page) == 360
    wide = page.run(
        "[...document.querySelectorAll('main *')].filter((e) => !e.closest('.hidden') && "
        "e.getBoundingClientRect().right > 360.5).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert wide == []


@pytest.mark.parametrize("width", [361, 600, 860, 861, 1000, 1180, 1440, 2500])
def test_no_width_scrolls_sideways(page: Page, served: Site, width: int) -> None:
    served.publish(*_fleet())
    page.resize(width, 800)
    page.open(served.address)
    assert _width(page) == width


def test_dark_page_is_dark_and_light_page_is_light(page: Page, served: Site) -> None:
    served.publish(*_fleet())
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
    "path", ["/", "/?state=failed&sort=delay&q=o", "/?source=dli&source=vvp", "job", "/job"]
)
def test_accessibility_checker_finds_nothing(
    browser: Chromium, served: Site, path: str, width: int, scheme: str
) -> None:
    dli, *others = _fleet()
    served.publish(_changed(dli, "payments_dedup", state=State.RUNNING), dli, *others)
    with browser.page() as page:
        page.resize(width, 800)
        page.prefer(color_scheme=scheme)
        if path == "job":
            page.open(f"{served.address}/?q=payments")
            page.open(page.run(f"document.querySelector('{NAMES}').href"))
        else:
            page.open(served.address + path)
        assert _violations(page) == []


def test_ten_thousand_jobs_do_not_freeze_the_browser(page: Page, served: Site) -> None:
    served.publish(_many(10_000))
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
