"""The dashboard in a real browser: what a person sees and clicks, and that the browser has nothing to complain about."""

import asyncio
import re
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, async_playwright, expect
from showing import ACTING, LONG, Shown, a_busy_week, a_hostile_job, a_late_job, showing

from operators.clock import now
from operators.dashboard.links import sign_in_link
from schemas.ids import shown
from storage import actions

# A browser that is driven has no business of its own on the network, and as root it wants no sandbox.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = {"width": 360, "height": 740}
PATIENCE = 60_000  # milliseconds; the machine may be busy
PAGES = (
    "/", "/jobs", "/failures", "/deliveries", "/receipts", "/refusals", "/groups", "/submissions", "/handoffs", "/actions",
    "/sources", "/sources/gateway", "/help/failures",
)  # fmt: skip


@asynccontextmanager
async def browsing(chromium: str, there: Shown, signed_in: bool = True, **options):
    """A page of a new browser. It fails when the browser complained of anything: of the content policy, or of a script."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            context = await browser.new_context(**options)
            context.set_default_timeout(PATIENCE)
            context.on("console", lambda told: told.type in ("error", "warning") and complaints.append(told.text))
            context.on("weberror", lambda error: complaints.append(str(error.error)))
            context.on("request", lambda one: one.url.startswith(there.url) or complaints.append(one.url))
            page = await context.new_page()
            if signed_in:
                await sign_in(page, there)
            yield page
        finally:
            await browser.close()
    assert complaints == []


async def sign_in(page: Page, there: Shown) -> None:
    await page.goto(f"{there.url}/signin")
    await page.get_by_label("The operators' token").fill(ACTING)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{there.url}/")


def browse(chromium: str, home, body, fill=None, **options):
    """Run `body` with a page that is signed in."""

    async def run():
        async with showing(home, fill) as there, browsing(chromium, there, **options) as page:
            return await body(there, page)

    return asyncio.run(run())


async def sideways(page: Page) -> int:
    """By how much the page can be scrolled sideways."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def job_page(there: Shown, job_id: str) -> str:
    return f"{there.url}/jobs/{shown('job', there.filled.jobs[job_id].id)}"


def test_why_a_result_is_late_is_three_clicks_away(chromium, tmp_path):
    """
    From home: the job that waits longest, then the finding, then what its code means.
    """

    async def body(there: Shown, page: Page):
        await page.get_by_role("region", name="Waiting longest").get_by_role("link").first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("batch_late")
        await expect(page.get_by_text("No result yet: for 2 h: HTTP 503")).to_be_visible()
        finding = page.get_by_role("region", name="asking").locator("details").first
        await finding.locator("summary").click(position={"x": 4, "y": 10})
        await expect(finding.get_by_role("cell", name="our own questions")).to_be_visible()
        await finding.get_by_role("link", name="upstream").click()
        await expect(page.locator(":target + p")).to_contain_text("The system behind the provider")

    browse(chromium, tmp_path, body, a_busy_week)


def test_a_link_signs_in_with_one_click(chromium, tmp_path):
    """
    The link shows one button, and that leads home.
    """

    async def body(there: Shown, page: Page):
        port = int(there.url.rpartition(":")[2])
        operators = there.config.operators.model_copy(update={"port": port})
        link = sign_in_link(there.config.model_copy(update={"operators": operators}), None, now())
        await page.goto(link)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("You may look and act")).to_be_visible()

    browse(chromium, tmp_path, body, signed_in=False)


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_cancel_is_confirmed(chromium, tmp_path, with_scripts):
    """
    Button, page of its own, reason, done; with JavaScript and without.
    """

    async def body(there: Shown, page: Page):
        await page.goto(job_page(there, "batch_late"))
        await page.get_by_role("link", name="Cancel the job").click()
        await page.get_by_label("Why?").fill("nobody needs it any more")
        await page.get_by_role("button", name="Cancel the job").click()
        await expect(page.locator(".done")).to_contain_text("cancel is asked for")
        await expect(page.get_by_text("by operator: nobody needs it any more")).to_be_visible()
        async with there.store.reading() as connection:
            return [one.verb for one in await actions.of_job(connection, there.filled.jobs["batch_late"].id)]

    assert browse(chromium, tmp_path, body, a_late_job, java_script_enabled=with_scripts) == ["cancel"]


def test_a_page_lives(chromium, tmp_path):
    """
    What is written shows by itself; what the reader has opened stays open, and what they have chosen keeps its focus.
    """

    async def body(there: Shown, page: Page):
        await page.goto(job_page(there, "batch_late"))
        await expect(page.get_by_role("status")).to_have_text("live")
        await page.locator("#more-about summary").click()
        await page.get_by_role("link", name="Ask now").focus()
        await there.filled.answer(there.filled.jobs["batch_late"], 0, "running", message=None, progress=97)
        await expect(page.get_by_text("running, 97 %")).to_be_visible(timeout=PATIENCE)
        await expect(page.locator("#more-about")).to_have_attribute("open", "")
        await expect(page.get_by_role("link", name="Ask now")).to_be_focused()

    browse(chromium, tmp_path, body, a_late_job)


def test_a_page_that_is_not_kept_up_to_date_says_so(chromium, tmp_path):
    """
    In its own place and in plain sight: since when, and that nobody is to trust it.
    """

    async def body(there: Shown, page: Page):
        await page.goto(f"{there.url}/jobs")
        await expect(page.get_by_role("status")).to_have_text("live")
        await expect(page.locator("#away")).to_be_hidden()
        there.end_streams()
        await expect(page.locator("#away")).to_be_visible(timeout=PATIENCE)
        await expect(page.locator("#away")).to_contain_text(re.compile(r"how things stood at \d\d:\d\d:\d\d UTC"))

    browse(chromium, tmp_path, body, a_late_job)


def test_a_listing_lives_too(chromium, tmp_path):
    """
    A new job shows in the list, and the filter that somebody is about to choose stays as it is.
    """

    async def body(there: Shown, page: Page):
        await page.goto(f"{there.url}/jobs")
        await expect(page.get_by_role("status")).to_have_text("live")
        await page.get_by_label("status", exact=True).select_option("failed")
        await there.filled.job("batch_new", "running", 0)
        await expect(page.get_by_role("link", name="batch_new")).to_be_visible(timeout=PATIENCE)
        await expect(page.get_by_label("status", exact=True)).to_have_value("failed")

    browse(chromium, tmp_path, body, a_late_job)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_by_day_and_by_night(chromium, tmp_path, scheme):
    """
    Each colour of a text stands out from what is behind it by 4.5 to 1 at least.
    """

    async def body(there: Shown, page: Page):
        faint = []
        for path in ("/", "/jobs", "/failures", job_page(there, "batch_late").removeprefix(there.url)):
            await page.goto(there.url + path)
            faint += [f"{path}: {one}" for one in await page.evaluate(FAINT)]
        background = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return faint, sum(int(part) for part in re.findall(r"\d+", background)[:3])

    faint, light = browse(chromium, tmp_path, body, a_busy_week, color_scheme=scheme)
    assert faint == []
    assert (light > 380) is (scheme == "light")


FAINT = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = parts(colour).map((one) => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const said = [...element.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!said || element.closest("svg") || !element.checkVisibility()) continue;
    const [one, two] = [light(getComputedStyle(element).color), light(behind(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) found.push(`${element.className || element.tagName}: ${contrast.toFixed(2)}`);
  }
  return [...new Set(found)];
}"""


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}], ids=["phone", "desk"])
def test_no_page_scrolls_sideways(chromium, tmp_path, viewport):
    """
    Neither on a phone nor on a desk, whatever the ids and texts are like; and no hostile text does anything.
    """

    async def fill(filled):
        await a_busy_week(filled)
        await a_hostile_job(filled)

    async def body(there: Shown, page: Page):
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        hostile = job_page(there, LONG).removeprefix(there.url)
        found = {}
        for path in (*PAGES, hostile, f"/act/poll/{hostile.rpartition('/')[2]}"):
            await page.goto(there.url + path)
            found[path] = await sideways(page)
        await page.goto(there.url + hostile)
        for summary in await page.locator("summary").all():
            await summary.click(position={"x": 4, "y": 8})
        return found, await sideways(page), await page.locator("main img, main script").count()

    found, opened, strange = browse(chromium, tmp_path, body, fill, viewport=viewport)
    assert set(found.values()) == {0}, found
    assert (opened, strange) == (0, 0)


def test_a_finger_is_enough(chromium, tmp_path):
    """
    On a phone, which cannot hover, times stand whole beside how long ago they were, and links in lists can be hit.
    """

    async def fill(filled):
        await filled.job("batch_a", progress=40)

    async def body(there: Shown, page: Page):
        await page.goto(f"{there.url}/jobs")
        after = await page.locator("td time").first.evaluate("one => getComputedStyle(one, '::after').content")
        heights = await page.locator("td a").evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
        row = await page.locator("tbody tr").first.evaluate("one => one.getBoundingClientRect().height")
        return after, min(heights), row, await sideways(page)

    after, lowest, row, wide = browse(chromium, tmp_path, body, fill, viewport=PHONE, has_touch=True, is_mobile=True)
    assert "UTC" in after
    assert lowest >= 28
    assert row < 130
    assert wide == 0


def test_the_keyboard_is_enough(chromium, tmp_path):
    """
    The first stop skips to the content, and whatever has the focus shows it.
    """

    async def body(there: Shown, page: Page):
        await page.goto(f"{there.url}/jobs")
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        await expect(skip).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.keyboard.press("Tab")
        return await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    assert browse(chromium, tmp_path, body, a_late_job) == "solid"


def test_everything_has_a_name(chromium, tmp_path):
    """
    Each field has a label, each chart and button a name, and each page one heading at its top and one main part.
    """

    async def body(there: Shown, page: Page):
        nameless = {}
        for path in (*PAGES, job_page(there, "batch_late").removeprefix(there.url)):
            await page.goto(there.url + path)
            nameless[path] = await page.evaluate(NAMELESS)
        return nameless

    assert not any(browse(chromium, tmp_path, body, a_busy_week).values())


NAMELESS = """() => [
  ...[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter((one) => !one.labels.length),
  ...[...document.querySelectorAll("button, a")].filter((one) => !one.textContent.trim()),
  ...[...document.querySelectorAll("svg[role=img], progress")].filter((one) => !one.getAttribute("aria-label")),
  ...(document.querySelectorAll("h1").length === 1 && document.querySelectorAll("main").length === 1 ? [] : [document.body]),
].map((one) => one.outerHTML.slice(0, 200))"""
