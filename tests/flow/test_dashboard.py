"""The dashboard over a socket: who is let in, what the pages hold, and that nothing a provider writes is more than text."""

import asyncio
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest
from showing import (
    ACTING,
    LONG,
    LOOKING,
    Shown,
    a_busy_week,
    a_hostile_job,
    a_late_job,
    seal_of,
    showing,
    spoil,
)

from operators import documented, queries
from operators.access import Right
from operators.auditing import CONFLICT, UNACKNOWLEDGED
from operators.clock import now
from operators.dashboard.failure_words import document, help_url
from operators.dashboard.links import sign_in_link
from operators.errors import NotPossible
from reconciler.cancelling import cancel_of
from schemas.config import Operators, Secret
from schemas.ids import parse, shown
from schemas.times import HOUR, MINUTE, rfc3339
from schemas.words import AskedBy, Code, SourceRule, Trouble
from storage import actions, findings

PAGES = [
    "/",
    "/?span=hour",
    "/?span=week",
    "/jobs",
    "/failures",
    "/failures?cleared=true",
    "/deliveries",
    "/receipts",
    "/refusals",
    "/groups",
    "/submissions",
    "/handoffs",
    "/actions",
    "/sources",
    "/sources/gateway",
    "/audit",
    "/audit?source=gateway&since=2h",
    "/help/failures",
    "/help/refusals",
]


def at(home, body, fill=None, **operators):
    """Run `body` with the app that is shown."""

    async def run():
        async with showing(home, fill, **operators) as there:
            return await body(there)

    return asyncio.run(run())


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the links among them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


# Who is let in


def test_whoever_is_not_signed_in_is_shown_in_and_comes_back(tmp_path):
    """
    Every page leads to the form, and the form leads back to the page; nothing is shown meanwhile.
    """

    async def body(there: Shown):
        async with there.client() as client:
            asked = [await client.get(path) for path in [*PAGES, "/jobs/batch_late", "/act/cancel/batch_late"]]
            form = await client.get(asked[3].headers["location"])
            let_in = await client.post("/signin", data={"token": ACTING, "next": "/jobs?status=failed"})
        return asked, form, let_in

    asked, form, let_in = at(tmp_path, body, a_late_job)
    assert {answer.status_code for answer in asked} == {303}
    assert {urlsplit(answer.headers["location"]).path for answer in asked} == {"/signin"}
    assert not any("batch_late" in answer.text for answer in asked)
    assert 'name="next" value="/jobs"' in form.text
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/jobs?status=failed")


@pytest.mark.parametrize(
    "path", ["//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere.example", "jobs", "/a\nb"]
)
def test_signing_in_leads_nowhere_else(tmp_path, path):
    """
    An address of another host, however it is disguised, is not where one is led.
    """

    async def body(there: Shown):
        async with there.client() as client:
            return await client.post("/signin", data={"token": ACTING, "next": path})

    assert at(tmp_path, body).headers["location"] == "/"


def test_the_cookie(tmp_path):
    """
    It is out of reach of scripts and of other sites, and kept to https when the browser speaks it; it does not hold the token.
    """

    async def body(there: Shown):
        async with there.client() as client:
            plain = await client.post("/signin", data={"token": ACTING})
            behind = await client.post("/signin", data={"token": ACTING}, headers={"x-forwarded-proto": "https"})
        return plain.headers["set-cookie"], behind.headers["set-cookie"]

    plain, behind = at(tmp_path, body)
    attributes = {part.strip().lower() for part in plain.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= attributes
    assert "secure" not in attributes
    assert "secure" in behind.lower()
    assert ACTING not in plain


def test_wrong_tokens_are_refused_and_tries_are_limited(tmp_path):
    """
    A wrong token is told to be wrong; after ten tries in a minute not even the right one is looked at.
    """

    async def body(there: Shown):
        async with there.client() as client:
            wrong = [await client.post("/signin", data={"token": f"{ACTING}x"}) for _ in range(10)]
            right = await client.post("/signin", data={"token": ACTING})
        return [answer.status_code for answer in wrong], right

    wrong, right = at(tmp_path, body)
    assert wrong == [401] * 10
    assert right.status_code == 429
    assert "set-cookie" not in right.headers


def test_without_a_token_nobody_is_let_in(tmp_path):
    """
    No token is configured: the form says what to set, and an empty token is none.
    """

    async def body(there: Shown):
        async with there.client() as client:
            return await client.get("/signin"), await client.post("/signin", data={"token": ""})

    form, tried = at(tmp_path, body, token=None, read_token=None)
    assert "token_env" in form.text
    assert tried.status_code == 401


def test_a_changed_token_ends_its_sessions(tmp_path):
    """
    Whoever signed in with a token that is configured no more has to sign in again; the other token's sessions go on.
    """

    async def body(there: Shown):
        async with there.signed_in(ACTING) as acting, there.signed_in(LOOKING) as looking:
            changed = Operators(port=0, token=Secret("another" * 5), read_token=Secret(LOOKING))
            there.config = there.config.model_copy(update={"operators": changed})
            return (await acting.get("/jobs")).status_code, (await looking.get("/jobs")).status_code

    assert at(tmp_path, body) == (303, 200)


def test_signing_out_ends_the_session_wherever_its_cookie_went(tmp_path):
    """
    A copy of the cookie is worth nothing any more.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            copied = dict(client.cookies)
            left = await client.post("/signout", data=await seal_of(client, "/jobs"))
        async with there.client(cookies=copied) as other:
            return left, await other.get("/jobs")

    left, tried = at(tmp_path, body)
    assert left.headers["location"] == "/signin"
    assert tried.status_code == 303


def with_port(there: Shown):
    """The configuration as it would name the port that the app listens on."""
    port = urlsplit(there.url).port
    return there.config.model_copy(update={"operators": there.config.operators.model_copy(update={"port": port})})


@pytest.mark.parametrize("right", [None, Right.ACT, Right.READ])
def test_a_link_signs_in_once(tmp_path, right):
    """
    A link made by another process with the same configuration opens one session with its right. To look at it does not use it
    up; it holds no token; the second use is refused.
    """

    async def body(there: Shown):
        link = sign_in_link(with_port(there), right, now())
        async with there.client() as client, there.client() as late:
            looked = [await client.get(link) for _ in range(2)]
            text = re.search(r'name="link" value="([^"]+)"', looked[1].text).group(1)
            used = await client.post("/signin", data={"link": text})
            again = await late.post("/signin", data={"link": text})
            return link, looked, used, again, (await client.get("/jobs")).text

    link, looked, used, again, page = at(tmp_path, body)
    assert ACTING not in link
    assert [answer.status_code for answer in looked] == [200, 200]
    assert (used.status_code, again.status_code) == (303, 401)
    assert "<code>batchkeeper dashboard</code> prints a new one" in again.text
    assert ("You may look and act" in page) is (right is not Right.READ)


def test_a_link_lapses_and_needs_a_token_and_a_port(tmp_path):
    """
    After five minutes it is refused; where nobody could use one, none is made, and what to set is said.
    """

    async def body(there: Shown):
        old = sign_in_link(with_port(there), None, now() - 301_000_000).partition("link=")[2]
        async with there.client() as client:
            return there.config, with_port(there), await client.post("/signin", data={"link": old})

    without_port, config, answer = at(tmp_path, body)
    assert answer.status_code == 401
    with pytest.raises(NotPossible, match="port"):
        sign_in_link(without_port, None, now())
    closed = config.operators.model_copy(update={"token": None, "read_token": None})
    with pytest.raises(NotPossible, match="token_env"):
        sign_in_link(config.model_copy(update={"operators": closed}), None, now())


def test_a_sealed_text_is_good_for_its_purpose_alone(tmp_path):
    """
    A link is no session, and a session no link.
    """

    async def body(there: Shown):
        link = sign_in_link(with_port(there), None, now()).partition("link=")[2]
        async with there.signed_in() as client:
            ((name, session),) = client.cookies.items()
            as_link = await client.post("/signin", data={"link": session})
        async with there.client(cookies={name: link}) as other:
            return as_link.status_code, (await other.get("/jobs")).status_code

    assert at(tmp_path, body) == (401, 303)


# What every answer carries


def test_every_answer_keeps_the_browser_in(tmp_path):
    """
    No page may run, load or send anything but what is ours, be framed, be kept, or tell where it was.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            paths = [
                *PAGES,
                "/jobs/batch_late",
                "/jobs/nobody",
                "/act/cancel/batch_late",
                "/signin",
                "/jobs?status=bad",
            ]
            answers = [await client.get(path) for path in paths]
            await spoil(there.store)
            return [*answers, await client.get("/jobs")]

    answers = at(tmp_path, body, a_late_job)
    assert answers[-1].status_code == 503
    for answer in answers:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        ours = {
            name: value for name, value in policy.items() if name not in ("default-src", "frame-ancestors", "base-uri")
        }
        assert set(ours) == {"style-src", "script-src", "img-src", "connect-src", "form-action"}
        assert set(ours.values()) == {"'self'"}
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


def test_pages_bring_nothing_from_elsewhere_and_no_code_of_their_own(tmp_path):
    """
    No inline script, style or handler; whatever is loaded is ours, named by its content, and kept for ever.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            pages = [(await client.get(path)).text for path in PAGES]
            loaded = {one.get("href") or one["src"] for page in pages for one in loads(page)}
            return pages, {path: await client.get(path) for path in loaded}, await client.get("/static/0/style.css")

    def loads(page: str):
        elements = Elements(page)
        return [*elements.of("link"), *elements.of("script")]

    pages, loaded, wrong = at(tmp_path, body, a_busy_week)
    for page in pages:
        elements = Elements(page)
        assert not elements.of("style")
        assert all(one.get("src") for one in elements.of("script"))
        assert not [name for _, one in elements.found for name in one if name.startswith("on") or name == "style"]
        assert not [one for one in elements.of("a") if not (one["href"] or "").startswith(("/", "#"))]
    assert {path.rpartition("/")[2] for path in loaded} == {"style.css", "live.js", "icon.svg"}
    for answer in loaded.values():
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert wrong.status_code == 404


# What the pages hold


def test_an_empty_store(tmp_path):
    """
    Every page says that there is nothing, and what to do; nothing is alarming.
    """

    async def body(there: Shown):
        await there.filled.owned()
        async with there.signed_in() as client:
            return [await client.get(path) for path in PAGES]

    answers = at(tmp_path, body)
    assert {answer.status_code for answer in answers} == {200}
    assert "batchkeeper submit" in answers[0].text
    for page in (answers[0].text, next(one.text for one in answers if one.url.path == "/sources/gateway")):
        assert "not told yet" in page  # how our clock and the provider's are apart, before its first answer
        assert "in step" not in page
    assert "kind-execution" not in answers[0].text
    assert "Nothing was refused." in next(one.text for one in answers if one.url.path == "/refusals")


def test_a_good_day_shows_no_trouble(tmp_path):
    """
    Jobs that completed, and one that was cancelled as asked: all is well, in no colour of trouble.
    """

    async def fill(filled):
        await filled.owned()
        await filled.job("batch_a", "completed")
        asked = await filled.job("batch_b", "cancelled")
        await filled.failure(asked, "cancellation", "cancelled_by_operator", "cancelled, as an operator asked")

    async def body(there: Shown):
        async with there.signed_in() as client:
            return (await client.get("/")).text, (await client.get("/jobs")).text

    home, listed = at(tmp_path, body, fill)
    assert "All is well" in home
    assert "1 cancelled as asked" in home
    assert not re.search(r'class="[^"]*kind-', home + listed)
    assert "as-asked" in listed


def test_a_job_that_was_cancelled_as_asked_is_grey(tmp_path):
    """
    Its banner, its finding and what a screen reader says of them are notes, and no trouble.
    """

    async def fill(filled):
        await filled.owned()
        job = await filled.job("batch_b", "cancelled", has_webhook=0)
        cancel = cancel_of(
            job, AskedBy.OPERATOR, "wrong file", filled.new_id(filled.now - 2 * HOUR), filled.now - 2 * HOUR
        )
        async with filled.store.writing() as connection:
            await actions.ask(connection, cancel)
            sent = {"state": "accepted", "sent_at": filled.now - 2 * HOUR, "answered_at": filled.now - 2 * HOUR}
            await actions.change(connection, cancel.id, {**sent, "due_at": None})

    async def body(there: Shown):
        async with there.signed_in() as client:
            return (await client.get("/jobs/batch_b")).text

    page = at(tmp_path, body, fill)
    assert '<p class="headline tone-note">' in page
    assert "cancelled as the operator asked: wrong file" in page
    assert "tone-cancellation" not in page
    assert '<span class="unseen">failure: </span>' not in page


def test_home_tells_the_four_kinds_apart_in_words(tmp_path):
    """
    Each kind has its count, its name and its own sign; the late job leads the list of those that wait.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            return unescape((await client.get("/")).text)

    home = at(tmp_path, body, a_busy_week)
    for kind, count in (("execution", 2), ("cancellation", 1), ("delivery", 1), ("asking", 1)):
        tile = re.search(rf'<a class="tile kind-{kind}".*?</a>', home, re.S).group(0)
        assert f'class="tile-count">{count}<' in tile
        assert f"#i-{kind}" in tile
    waiting = home.partition("Waiting longest")[2]
    assert waiting.index("batch_late") < waiting.index("batch_01K2XYZ")
    assert "our asking: upstream" in waiting
    assert "hand-offs" in home


QUOTA = "waits for the quota of uploads: HTTP 429: files_quota_exceeded"


@pytest.mark.parametrize(
    ("columns", "is_held_up"),
    [
        ({"message": QUOTA, "tries": 3, "ago": 15 * MINUTE}, True),
        ({"state": "unconfirmed", "ago": HOUR, "sent_bytes": 2000}, True),
        ({"ago": 6 * MINUTE}, True),
        ({"ago": 6 * MINUTE, "sent_bytes": 500}, False),
        ({"state": "creating", "ago": MINUTE}, False),
    ],
)
def test_submissions_that_wait_are_told_of(tmp_path, columns, is_held_up):
    """
    What is no job yet waits for a result, too. While anything holds it up all is not well; whose upload or create is under
    way is told of calmly. Each leads to its page, which says why.
    """

    async def fill(filled):
        await filled.owned()
        await filled.job("batch_done", "completed")
        await filled.submission("created", job_id="batch_done")
        await filled.submission("refused", message="HTTP 400")
        filled.waits, *_ = [await filled.submission(**columns) for _ in range(12)]

    async def body(there: Shown):
        async with there.signed_in() as client:
            home = re.sub("<[/]?time[^>]*>", "", unescape((await client.get("/")).text))
            listed = re.search(r'href="(/submissions\?state=[^"]+)"', home).group(1)
            page = await client.get(f"/submissions/{there.filled.waits}")
            told = await client.get("/api/v1/status", headers={"authorization": f"Bearer {LOOKING}"})
            return there.filled.waits, home, await client.get(listed), page, told.json()["submissions"]

    waits, home, listed, page, told = at(tmp_path, body, fill)
    assert (told["waiting"], told["more_waiting"], told["held_up"]) == (12, False, 10 * is_held_up)
    assert told["longest"][0]["id"] == waits
    tile = re.search(
        r'<a class="tile[^>]*>[^<]*<span class="tile-name">.{0,120}Our own asking.*?</a>', home, re.S
    ).group(0)
    assert "12 submissions wait to become jobs, the oldest stored" in home
    assert ("All is well" in home) is not is_held_up
    assert ("10+" in tile, "10 submissions or more" in tile) == (is_held_up, is_held_up)
    waiting = home.partition("Waiting longest")[2].partition("Newest failures")[0]
    assert "Every job has its result" not in waiting
    assert f'href="/submissions/{waits}"' in waiting
    assert (QUOTA in waiting) is (columns.get("message") == QUOTA)
    assert len(re.findall(r'<td data-label="Submission">', listed.text)) == 12
    assert "No job yet: it is" in page.text


def test_what_stands_against_a_source_is_told_with_its_sentence(tmp_path):
    """
    On the overview, on the pages of sources, in the audit and on the page of each of its jobs: the sentence, since when, and
    where it is explained.
    """

    async def fill(filled):
        await a_late_job(filled)
        await filled.finding("own_clock", "the provider's clock and ours are apart: ours is 90 s ahead")
        await filled.finding("wrong_secret", "9 requests were refused")

    async def body(there: Shown):
        async with there.signed_in() as client:
            paths = ["/", "/sources", "/sources/gateway", "/audit", "/jobs/batch_late"]
            return [unescape((await client.get(path)).text) for path in paths]

    *pages, job = at(tmp_path, body, fill)
    for page in pages:
        for kind, words, rule in (
            ("asking", "ours is 90 s ahead", "own_clock"),
            ("delivery", "9 requests", "wrong_secret"),
        ):
            told = next(one for one in re.findall(r'<p class="worry.*?</p>', page, re.S) if words in one)
            assert f"kind-{kind}" in told
            assert re.search("since <time[^>]*>10 min ago", told)
            assert f'href="/help/failures#{rule}"' in told
    assert "the whole source: 9 requests were refused" in job
    assert 'href="/help/failures#wrong_secret"' in job
    assert "stands_since" in job


def test_what_stood_against_a_source_and_why_a_webhook_was_rejected(tmp_path):
    """
    A finding that is closed stands on the page of its source, and on that of a job whose webhook was rejected meanwhile, which
    leads to the refusals of that time.
    """

    async def fill(filled):
        await a_late_job(filled)
        await filled.finding("wrong_secret", "9 requests were refused")
        async with filled.store.writing() as connection:
            await findings.sync(connection, "gateway", [], filled.store.new_id, filled.now - MINUTE)
        await filled.refusal("signature_wrong", 5 * MINUTE)
        job = await filled.job("batch_unheard", "completed")
        tried = [{"tried_at": rfc3339(filled.now - 5 * MINUTE)}]
        await filled.failure(job, "delivery", "rejected", "HTTP 401", attempts=tried)

    async def body(there: Shown):
        async with there.signed_in() as client:
            source, job = [
                unescape((await client.get(path)).text) for path in ("/sources/gateway", "/jobs/batch_unheard")
            ]
            refusals = re.search(r'href="(/refusals[?][^"]+)"', job).group(1)
            return source, job, (await client.get(refusals)).text

    source, job, refusals = at(tmp_path, body, fill)
    stood = source.partition("What stood against it before")[2]
    assert "delivery: wrong_secret" in stood
    assert "9 requests were refused" in stood
    assert re.search("closed <time[^>]*>60 s ago", stood)
    assert re.search(r"Likely because 9 requests were refused .*wrong_secret</a>, closed", job)
    assert len(re.findall('data-label="Refusal"', refusals)) == 1


def test_a_source_that_nobody_keeps(tmp_path):
    """
    Without a reconciler nobody asks, and no finding can tell: the pages say so.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            return [(await client.get(path)).text for path in ("/", "/sources", "/sources/gateway")]

    pages = at(tmp_path, body)
    assert all("no reconciler is at work for it" in page for page in pages)
    assert "All is well" not in pages[0]


def test_the_audit_tells_each_difference_page_by_page(tmp_path):
    """
    Each with its word, its job and what is different; a page goes on where the last one ended, and a good day has none.
    """

    async def fill(filled):
        for number in range(35):
            job = await filled.job(f"batch_{number:02}", "completed")
            await filled.failure(job, "delivery", "missing", f"batch.completed of {number} never came")

    async def body(there: Shown):
        async with there.signed_in() as client:
            pages, path = [], "/audit"
            while path:
                pages.append(unescape((await client.get(path)).text))
                older = re.search(r'rel="next" href="([^"]+)"', pages[-1])
                path = older.group(1) if older else None
            return pages, await client.get("/audit?source=nobody"), await client.get("/audit?cursor=x")

    pages, unknown, wrong = at(tmp_path, body, fill)
    seen = [
        job for page in pages for job in re.findall(r'<a class="id" href="/jobs/job_\w+" title="(batch_\d+)"', page)
    ]
    assert seen == [f"batch_{number:02}" for number in reversed(range(35))]
    assert len(pages) == 2
    assert 'href="/help/failures#missing"' in pages[0]
    assert (unknown.status_code, wrong.status_code) == (400, 400)
    assert "no source is called nobody" in unknown.text


def test_a_refusal_is_told_whole(tmp_path):
    """
    Why it was refused, what that usually comes of, and where to read what to do.
    """

    async def fill(filled):
        await filled.refusal("signature_wrong", 60_000_000)

    async def body(there: Shown):
        async with there.signed_in() as client:
            listed = (await client.get("/refusals")).text
            path = re.search(r'href="(/refusals/ref_\w+)"', listed).group(1)
            found = await client.get("/find", params={"name": path.rpartition("/")[2]})
            return path, found.headers["location"], (await client.get(path)).text

    path, found, page = at(tmp_path, body, fill)
    assert path == found
    assert "the secret was changed at the provider" in page
    assert 'href="/help/refusals#reasons-and-what-to-do"' in page
    assert "/act/reverify/" not in page  # nothing of it is kept


def test_charts_are_told_in_words_too(tmp_path):
    """
    What a chart shows is in its label, and each of its columns says what it counts.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            return {span: (await client.get(f"/?span={span}")).text for span in ("hour", "day", "week")}

    pages = at(tmp_path, body, a_busy_week)
    assert "9 refused" in re.search(r'aria-label="Requests received, the last hour[^"]*"', pages["hour"]).group(0)
    assert "Jobs ended, the last day, by hour: " in pages["day"]
    assert [len(re.findall(r"<g><title>", page)) for page in pages.values()] == [180, 72, 84]


def test_a_listing_is_cut_and_goes_on(tmp_path):
    """
    A page of jobs leads to the older ones, with its filters, until there are no more.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            seen, path, pages = [], "/jobs?source=gateway", 0
            while path:
                page = unescape((await client.get(path)).text)
                seen += re.findall(r'<td data-label="Job"><a class="id" href="/jobs/(job_\w+)"', page)
                older = re.search(r'rel="next" href="([^"]+)"', page)
                path, pages = older.group(1) if older else None, pages + 1
            return seen, pages

    seen, pages = at(tmp_path, body, a_busy_week)
    assert pages == 3
    assert len(seen) == len(set(seen)) == 77


def test_the_filters_are_those_of_the_api(tmp_path):
    """
    Each filter of a listing has a field; closed sets are chosen from, and what is given stands in its field.
    """
    from operators.filters import NOUNS

    async def body(there: Shown):
        async with there.signed_in() as client:
            pages = {name: (await client.get(f"/{name}")).text for name in NOUNS}
            return pages, (await client.get("/failures?source=gateway&cleared=true")).text

    pages, given = at(tmp_path, body)
    for name, page in pages.items():
        fields = {
            one["name"] for tag in ("input", "select") for one in Elements(page).of(tag) if one.get("id", "") != "find"
        }
        assert fields - {"seal"} == set(NOUNS[name].filters)
    assert '<option value="">any</option><option>gateway</option>' in pages["jobs"]
    assert '<option value="">any</option><option value="true">yes</option>' in pages["jobs"]  # in trouble or not
    assert (
        '<option value="">no</option><option value="true">yes</option>' in pages["failures"]
    )  # cleared ones are left out
    assert "<option selected>gateway</option>" in given
    assert '<option value="true" selected>yes</option>' in given


def test_what_cannot_be_combined_is_said_and_the_form_stays(tmp_path):
    """
    A filter that no index answers is refused in a sentence, and what was filled in is still there.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            return await client.get("/jobs?status=failed&category=execution")

    answer = at(tmp_path, body, a_busy_week)
    assert answer.status_code == 400
    assert "cannot be combined" in answer.text
    assert "<option selected>failed</option>" in answer.text


def test_news_is_told_calmly(tmp_path):
    """
    On a good day nearly every webhook tells of an end before we knew it: in lists and in the timeline that is news.
    """

    async def fill(filled):
        job = await filled.job("batch_a", "completed")
        await filled.webhook(job, "batch.completed", "completed", HOUR, "disagrees")

    async def body(there: Shown):
        async with there.signed_in() as client:
            return [(await client.get(path)).text for path in ("/deliveries", "/receipts", "/jobs/batch_a")]

    for page in at(tmp_path, body, fill):
        assert "news, so we asked" in page
        assert not re.search(r">[^<]*disagrees", page.partition("Everything that happened")[2] or page)


def test_the_page_of_a_job(tmp_path):
    """
    The explanation comes first, then one timeline with what each thing can be found by elsewhere.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            by_ours = await client.get(f"/jobs/{shown('job', there.filled.jobs['batch_late'].id)}")
            return by_ours, await client.get("/jobs/gateway/batch_late"), await client.get("/jobs/batch_late")

    ours, theirs, alone = (unescape(one.text) for one in at(tmp_path, body, a_late_job))
    assert "<h1" in ours
    assert ours.count("batch_late") == theirs.count("batch_late") == alone.count("batch_late")
    assert ours.index("No result yet: for 2 h: HTTP 503") < ours.index("Everything that happened")
    assert 'href="/help/failures#trouble-upstream"' in ours
    timeline = ours.partition("Everything that happened")[2]
    for told in (
        "unknown → running",
        "webhook batch.in_progress",
        "HTTP 503",
        "req_7",
        "rcp_",
        "evt_batch_late",
        "known here",
    ):
        assert told in timeline
    assert timeline.index("HTTP 503") < timeline.index("webhook batch.in_progress") < timeline.index("known here")


@pytest.mark.parametrize("path", ["/", "/jobs", "/failures", "/deliveries", "/handoffs", "JOB", "HANDOFF"])
def test_what_a_provider_writes_is_text(tmp_path, path):
    """
    Markup comes out escaped, control characters and those that turn the reading direction as their escapes; no link leads
    where a provider says; long ids stand whole in a title.
    """

    async def body(there: Shown):
        job = shown("job", there.filled.jobs[LONG].id)
        async with there.signed_in() as client:
            listed = (await client.get("/handoffs")).text
            handoff = re.search(r"hnd_\w+", listed).group(0)
            return await client.get({"JOB": f"/jobs/{job}", "HANDOFF": f"/handoffs/{handoff}"}.get(path, path))

    answer = at(tmp_path, body, a_hostile_job)
    page, elements = answer.text, Elements(answer.text)
    assert answer.status_code == 200
    assert len(elements.of("script")) == 1
    assert not elements.of("img")
    assert not [letter for letter in page if not letter.isprintable() and letter not in {"\n", "\u202f"}]
    assert all((one["href"] or "").startswith(("/", "#")) for one in elements.of("a"))
    assert LONG in page
    if path not in ("/deliveries", "/jobs"):
        assert r"\u202egnp.exe" in unescape(page)


def test_a_name_that_nobody_has_is_told_so(tmp_path):
    """
    A job, a group, a hand-off or a source that is not there, or an explanation, is a page that says so, whatever its name holds.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            paths = [
                "/jobs/nobody",
                "/groups/grp_0000000000000",
                "/handoffs/x",
                "/sources/x",
                "/find?name=%3Cb%3E%1b",
                "/help/x",
            ]
            return [await client.get(path) for path in paths]

    answers = at(tmp_path, body)
    assert {answer.status_code for answer in answers} == {404}
    assert "in printable ASCII" in answers[-2].text


def test_headings_of_columns_say_what_they_head(tmp_path):
    """
    Each heading of a table has its scope, for whoever hears it instead of seeing it.
    """

    async def body(there: Shown):
        async with there.signed_in() as client:
            return [(await client.get(path)).text for path in [*PAGES, "/jobs/batch_late"] if "help" not in path]

    headings = [one for page in at(tmp_path, body, a_busy_week) for one in Elements(page).of("th")]
    assert len(headings) > 50
    assert {one.get("scope") for one in headings} == {"col"}


def test_an_address_without_a_page(tmp_path):
    """
    A browser is shown a page with ways on, after it has signed in; whoever is no browser, or asks below what is for machines,
    gets a problem as JSON.
    """
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

    async def body(there: Shown):
        async with there.client() as nobody:
            shown_in = await nobody.get("/nothing/at?all=1", headers=browser)
        async with there.signed_in() as client:
            page = await client.get("/nothing", headers=browser)
            machines = [await client.get("/nothing"), await client.get("/api/v9/x", headers=browser)]
            return shown_in, page, [*machines, await client.post("/nothing", headers=browser)]

    shown_in, page, machines = at(tmp_path, body)
    assert (shown_in.status_code, shown_in.headers["location"]) == (303, "/signin?next=%2Fnothing%2Fat%3Fall%3D1")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert {one["href"] for one in Elements(page.text).of("a")} >= {"/", "/jobs", "/sources"}
    assert {one.headers["content-type"] for one in machines} == {"application/problem+json"}


def test_whatever_has_an_id_is_found_by_it(tmp_path):
    """
    A job by its names, a group and a hand-off by their ids.
    """

    async def body(there: Shown):
        job = shown("job", there.filled.jobs["batch_late"].id)
        async with there.signed_in() as client:
            named = [
                await client.get("/find", params={"name": name}) for name in (job, " batch_late ", "gateway/batch_late")
            ]
            others = [await client.get("/find", params={"name": shown(prefix, 5)}) for prefix in ("grp", "hnd")]
        return job, [one.headers["location"] for one in (*named, *others)]

    job, found = at(tmp_path, body, a_late_job)
    assert found == [f"/jobs/{job}"] * 3 + ["/groups/grp_0000000000005", "/handoffs/hnd_0000000000005"]


def test_every_id_that_is_printed_is_found(tmp_path):
    """
    What has no page of its own leads to where it stands; an unknown one is said to be unknown. How a job's id begins is enough.
    """

    async def fill(filled):
        await a_late_job(filled)
        for number in range(2):
            await filled.job(f"batch_twin_{number}")
        await filled.failure(filled.jobs["batch_late"], "execution", "failed", "it failed")
        await filled.finding("wrong_secret", "9 requests were refused")
        filled.submitted = await filled.submission()

    async def body(there: Shown):
        job = there.filled.jobs["batch_late"]
        async with there.signed_in() as client:
            fields = {**await seal_of(client, "/act/poll/batch_late"), "reason": "why not"}
            await client.post("/act/poll/batch_late", data=fields)
            async with there.store.reading() as connection:
                account = await queries.show_job(connection, there.config, "batch_late", now())
                (finding,) = await findings.of_source(connection, "gateway")
            (delivery,), (action,), (failure,) = account["deliveries"], account["actions"], account["failures"]
            names = {
                delivery["id"]: f"/jobs/{account['id']}",
                delivery["receipts"][0]["id"]: f"/receipts?delivery={delivery['id']}",
                action["id"]: f"/jobs/{account['id']}?done={action['id']}",
                failure["id"]: "/jobs/gateway/batch_late",
                shown("fnd", finding.id): "/sources/gateway",
                there.filled.submitted: f"/submissions/{there.filled.submitted}",
                "batch_la": f"/jobs/{shown('job', job.id)}",
                "batch_twin": "/jobs?job_id_prefix=batch_twin",
            }
            found = {name: await client.get("/find", params={"name": name}) for name in names}
            shown_ = [await client.get(place) for place in names.values()]
            unknown = [
                await client.get("/find", params={"name": shown(one, 5)}) for one in ("dlv", "rcp", "act", "fail")
            ]
            return names, {name: one.headers["location"] for name, one in found.items()}, shown_, unknown

    names, found, pages, unknown = at(tmp_path, body, fill)
    assert found == names
    assert {one.status_code for one in pages} == {200}
    assert {one.status_code for one in unknown} == {404}


def test_every_code_is_explained_where_links_lead():
    """
    Each code, each rule about a source, each difference and each trouble of our own asking has its place on the page of words.
    """
    places = [documented.failure(code) for code in Code]
    places += [documented.trouble(word) for word in Trouble] + [documented.source_rule(rule) for rule in SourceRule]
    places += [documented.difference(word) for word in (UNACKNOWLEDGED, CONFLICT)] + [documented.REFUSALS]
    places += ["docs/refusals.md#reverify"]
    for url in map(help_url, places):
        page, _, place = url.removeprefix("/help/").partition("#")
        assert f'id="{place}"' in str(document(page)), url


# Acting


def acting(body, tmp_path, token=ACTING):
    async def run(there: Shown):
        async with there.signed_in(token) as client:
            job = shown("job", there.filled.jobs["batch_late"].id)
            return await body(there, client, job)

    return at(tmp_path, run, a_late_job)


def test_a_question_that_is_due_is_due_now(tmp_path):
    """
    When the next question was to be asked already, that is no time in the past.
    """

    async def fill(filled):
        await filled.job("batch_a", due_at=filled.now - 300_000)
        await filled.job("batch_b", due_at=filled.now + HOUR)

    async def body(there: Shown):
        async with there.signed_in() as client:
            return [
                (await client.get(f"/jobs/{name}")).text.partition("Next question</dt>")[2]
                for name in ("batch_a", "batch_b")
            ]

    due, later = at(tmp_path, body, fill)
    assert re.match(r"<dd><time[^>]*>now</time></dd>", due)
    assert re.match(r"<dd><time[^>]*>in \d+ min</time></dd>", later)


@pytest.mark.parametrize(
    ("state", "words"), [("waiting", "It will be told again."), ("done", "It was told again."), ("dead", "given up")]
)
def test_what_came_of_a_replay_is_told_as_it_is(tmp_path, state, words):
    """
    It waits, was done, or was in vain.
    """

    async def fill(filled):
        filled.handoff_id = await filled.handoff(await filled.job("batch_a", "completed"), state)

    async def body(there: Shown):
        async with there.signed_in() as client:
            return (await client.get(f"/handoffs/{there.filled.handoff_id}?done")).text

    (told,) = re.findall(r'role="status">(.*?)</p>', at(tmp_path, body, fill))
    assert words in told


async def asked_of(there: Shown, job: str):
    async with there.store.reading() as connection:
        return await actions.of_job(connection, parse(job, "job"))


@pytest.mark.parametrize("verb", ["cancel", "poll"])
def test_an_act_is_confirmed_with_a_reason_and_done_once(tmp_path, verb):
    """
    The page before it does nothing. What is sent then is stored with its reason, and leads back to the job; sent again, as by
    two clicks, it is not done again, and leads to the same place.
    """

    async def body(there: Shown, client: httpx.AsyncClient, job: str):
        fields = {**await seal_of(client, f"/act/{verb}/{job}"), "reason": " it takes\r\n too  long "}
        before = await asked_of(there, job)
        sent = await client.post(f"/act/{verb}/{job}", data=fields)
        again = await client.post(f"/act/{verb}/{job}", data=fields)
        page = await client.get(sent.headers["location"])
        return job, before, sent, again, page.text, await asked_of(there, job)

    job, before, sent, again, page, after = acting(body, tmp_path)
    assert before == []
    assert (sent.status_code, again.status_code) == (303, 303)
    assert sent.headers["location"] == again.headers["location"] == f"/jobs/{job}?done={shown('act', after[0].id)}"
    assert [(one.verb, one.reason, one.asked_by) for one in after] == [(verb, "it takes too long", "operator")]
    assert f"{verb} is asked for" in page
    assert "it takes too long" in page


@pytest.mark.parametrize(
    ("state", "class_", "offered"),
    [
        ("asked", "done", False),
        ("accepted", "done", False),
        ("refused", "worry kind-cancellation", True),
        ("not_cancellable", "worry kind-cancellation", True),
    ],
)
def test_what_came_of_an_act_is_told_as_it_is(tmp_path, state, class_, offered):
    """
    What was refused has no green tick; while a cancel is under way no other is offered, and that is said.
    """

    async def body(there: Shown, client: httpx.AsyncClient, job: str):
        fields = {**await seal_of(client, f"/act/cancel/{job}"), "reason": "why not"}
        sent = await client.post(f"/act/cancel/{job}", data=fields)
        (action,) = await asked_of(there, job)
        if state != "asked":
            told = {"state": state, "message": "HTTP 409", "answered_at": now(), "due_at": None}
            async with there.store.writing() as connection:
                await actions.change(connection, action.id, told)
        return (await client.get(sent.headers["location"])).text

    page = acting(body, tmp_path)
    (told,) = re.findall(r'<p class="([^"]*)" role="status">.*?<use href="#(i-\w+)"', page)
    assert told == (class_, "i-good" if class_ == "done" else "i-cancellation")
    assert ("/act/cancel/" in page, "It is being cancelled." in page) == (offered, not offered)


@pytest.mark.parametrize(
    ("native", "code", "offered"),
    [("running", None, True), ("cancelling", None, False), ("canceling", "stuck", True)],
)
def test_a_cancel_that_the_provider_is_at_is_not_offered_again(tmp_path, native, code, offered):
    """
    Unless it is stuck: then somebody may well try once more.
    """

    async def fill(filled):
        job = await filled.job("batch_a", native_status=native)
        if code:
            await filled.failure(job, "cancellation", code, "the job is still running")

    async def body(there: Shown):
        async with there.signed_in() as client:
            return (await client.get("/jobs/batch_a")).text

    assert ("/act/cancel/" in at(tmp_path, body, fill)) is offered


@pytest.mark.parametrize(
    "spoilt",
    [
        "no seal",
        "a wrong seal",
        "another session's",
        "of another job",
        "of another verb",
        "of no act",
        "no once",
        "no reason",
        "no form",
        "too large",
    ],
)
def test_a_form_that_is_not_ours_does_nothing(tmp_path, spoilt):
    """
    Without the seal of this session for just this, or without a reason, nothing is stored.
    """

    async def body(there: Shown, client: httpx.AsyncClient, job: str):
        fields = {**await seal_of(client, f"/act/cancel/{job}"), "reason": "why not"}
        if spoilt == "no seal":
            fields.pop("seal")
        elif spoilt == "a wrong seal":
            fields["seal"] = "0" * 64
        elif spoilt == "another session's":
            async with there.signed_in() as other:
                fields["seal"] = (await seal_of(other, f"/act/cancel/{job}"))["seal"]
        elif spoilt.startswith("of "):
            await there.filled.job("batch_other")
            made_for = {"job": "/act/cancel/batch_other", "verb": f"/act/poll/{job}", "act": "/jobs"}
            fields["seal"] = (await seal_of(client, made_for[spoilt.rpartition(" ")[2]]))["seal"]
        elif spoilt == "no once":
            fields["once"] = ""
        elif spoilt == "no reason":
            fields["reason"] = "  "
        elif spoilt == "too large":
            fields["reason"] = "x" * 20_000
        data = {} if spoilt == "no form" else fields
        return (await client.post(f"/act/cancel/{job}", data=data)).status_code, await asked_of(there, job)

    status, after = acting(body, tmp_path)
    assert status == {"no reason": 400, "no once": 400, "too large": 413}.get(spoilt, 403)
    assert after == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, 403),
        ({"origin": "http://elsewhere.example"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 303),
        ({"origin": "null"}, 303),
        ({}, 303),
    ],
)
def test_what_another_site_sends_does_nothing(tmp_path, headers, status):
    """
    A form that comes from elsewhere is refused, whatever it holds; one of ours is told by what the browser says of it.
    """

    async def body(there: Shown, client: httpx.AsyncClient, job: str):
        fields = {**await seal_of(client, f"/act/poll/{job}"), "reason": "why not"}
        answer = await client.post(f"/act/poll/{job}", data=fields, headers=headers)
        return answer.status_code, len(await asked_of(there, job))

    assert acting(body, tmp_path) == (status, int(status == 303))


def test_a_token_that_only_looks_does_not_act(tmp_path):
    """
    Its pages offer nothing to do, the page that confirms refuses, and so does what is sent.
    """

    async def body(there: Shown, client: httpx.AsyncClient, job: str):
        page = (await client.get(f"/jobs/{job}")).text
        confirm = await client.get(f"/act/cancel/{job}")
        fields = {**await seal_of(client, "/jobs"), "once": "1", "reason": "why not"}
        sent = await client.post(f"/act/cancel/{job}", data=fields)
        return page, confirm.status_code, sent.status_code, await asked_of(there, job)

    page, confirm, sent, after = acting(body, tmp_path, LOOKING)
    assert "/act/" not in page
    assert (confirm, sent, after) == (409, 403, [])


def test_a_dead_hand_off_is_told_again(tmp_path):
    """
    Its page offers it; afterwards it waits.
    """

    async def fill(filled):
        job = await filled.job("batch_a", "completed")
        filled.handoff_id = await filled.handoff(job, "dead", attempts=12, message="HTTP 500")

    async def body(there: Shown):
        path = f"/handoffs/{there.filled.handoff_id}"
        async with there.signed_in() as client:
            offered = (await client.get(path)).text
            replay = path.replace("/handoffs/", "/act/replay/")
            fields = {**await seal_of(client, replay), "reason": "mended"}
            sent = await client.post(replay, data=fields)
            return offered, (await client.get(sent.headers["location"])).text

    offered, after = at(tmp_path, body, fill)
    assert "/act/replay/" in offered
    assert "It will be told again" in after
    assert "h-waiting" in after


# Staying alive


def test_events_tell_of_a_change(tmp_path):
    """
    Whoever listens hears of what is written, and only whoever is signed in may listen.
    """

    async def body(there: Shown):
        async with there.client() as nobody:
            refused = await nobody.get("/events")
        async with there.signed_in() as client, client.stream("GET", "/events") as stream:
            lines = stream.aiter_lines()
            first = await anext(lines)
            await there.filled.job("batch_new")
            async for line in lines:
                if line == "event: changed":
                    return refused.status_code, stream.headers["content-type"], first, line
        return None

    status, media, first, heard = at(tmp_path, body)
    assert (status, first, heard) == (401, "retry: 3000", "event: changed")
    assert media.startswith("text/event-stream")


def test_streams_end_when_the_service_stops(tmp_path):
    """
    Whoever listens is let go at once, and not when the server's patience is over; and so is whoever comes meanwhile.
    """

    async def body(there: Shown):
        async with there.signed_in() as client, client.stream("GET", "/events") as stream:
            lines = stream.aiter_lines()
            first = await anext(lines)
            there.end_streams()
            rest = [line async for line in lines]
            return first, rest, (await client.get("/events")).text

    assert at(tmp_path, body) == ("retry: 3000", [""], "retry: 3000\n\n")


def test_so_many_may_listen(tmp_path):
    """
    One too many is told to come back; when somebody has gone there is room again.
    """
    from operators.dashboard.changes import Changes

    async def body(there: Shown):
        changes = Changes(there.store, most=2)
        streams = [changes.listen(lambda: True) for _ in range(2)]
        for stream in streams:
            await anext(stream)
        full = changes.is_full
        await streams[0].aclose()
        room = not changes.is_full
        await streams[1].aclose()
        return full, room, changes._watching

    assert at(tmp_path, body) == (True, True, None)
