"""What keeps the desk safe: each test fails where its guard is taken away."""

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest
from desk_home import FORCE, HELD, PASSWORD, PSEUDONYMS, TEXT, WARNED, Browser, Served, hidden, said

from pipeline.accounts import AccountChange
from pipeline.desk import attempts, passwords, security
from pipeline.desk.app import COOKIE
from pipeline.desk.pages import PAGES
from pipeline.desk.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from pipeline.vocabulary import AccountAct, Role

ADDRESSES = {
    "{submission}": HELD,
    "{row:int}": "4",
    "{pair}": "5e0a71c3",
    "{release}": "2025-spring",
}


def everywhere(served: Served) -> list[str]:
    """Every address of the desk that answers GET, with what tests planted in its place."""
    text_id = served.home.stages.read("texts")["comment_id"][0]
    found = []
    for place in PAGES:
        path = place.path.replace("{text}", text_id)
        if "waive" in path:
            path = path.replace("{submission}", WARNED)
        for name, value in ADDRESSES.items():
            path = path.replace(name, value)
        found.append(path)
    return [
        *found,
        "/submissions?show=all",
        "/links?show=all",
        f"/submissions/{WARNED}",
        "/account",
    ]


def folder_state(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def asked(served: Served) -> Served:
    """A home in which somebody has asked for a release."""
    with served.browser("a.releaser") as browser:
        done = browser.fill("/releases", release="2025-spring", reason="for the board")
        assert done.status_code == 303
    return served


def test_no_page_is_shown_to_somebody_who_is_not_signed_in(asked: Served) -> None:
    with asked.browser() as nobody:
        for path in everywhere(asked):
            answer = nobody.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in?next=%2F"), path


def test_every_get_leaves_every_file_as_it_was(asked: Served) -> None:
    with asked.browser("b.releaser") as browser:
        before = folder_state(asked.home.root)
        for path in everywhere(asked):
            answer = browser.get(path)
            # A pack is put on record, so it is asked for by a form alone.
            expected = {404} if path.endswith("/pack") else {200, 303}
            assert answer.status_code in expected, (path, said(answer))
        assert browser.get("/sign-out").status_code == 404
        assert folder_state(asked.home.root) == before


def test_no_page_shows_a_pseudonym_and_only_the_page_of_a_text_shows_it(asked: Served) -> None:
    shown = set()
    with asked.browser("b.releaser") as browser:
        for path in everywhere(asked):
            page = browser.get(path)
            assert not [name for name in PSEUDONYMS if name in page.text], path
            if "Canaryname" in page.text:
                shown.add(path)
    assert len(shown) == 1
    assert shown.pop().startswith("/texts/")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.STEWARD, Role.RELEASER])
def test_a_role_opens_what_it_may_see_and_nothing_else(asked: Served, role: Role) -> None:
    with asked.browser(f"a.{role}") as browser:
        for place, path in zip(PAGES, everywhere(asked), strict=False):
            answer = browser.get(path)
            assert (answer.status_code == 403) == (not role.may(place.role)), path
            if place.post:
                token = hidden(browser.get("/account"))["token"]
                sent = browser.post(path, {"token": token})
                assert (sent.status_code == 403) == (not role.may(place.role)), path


def test_a_viewer_cannot_ask_for_a_release(viewer: Browser, served: Served) -> None:
    token = hidden(viewer.get("/account"))["token"]
    form = {"token": token, "release": "x", "reason": "y", "as_of": "2025-03-01"}
    assert viewer.post("/releases", form).status_code == 422
    assert not served.home.stewardship.entries()


# ------------------------------------------------------------------------ tokens and cookies


@pytest.mark.parametrize("token", [None, "", "x" * 43, "é" * 43])
def test_a_form_without_the_sessions_token_changes_nothing(
    steward: Browser, served: Served, token: str | None
) -> None:
    path = f"/submissions/{HELD}/accept"
    form = {**hidden(steward.get(path)), "reason": "because"}
    form = {**form, "token": token} if token is not None else {**form, "token": []}
    answer = steward.post(path, form)
    assert answer.status_code == 403
    assert "nothing was changed" in said(answer)
    assert not served.home.stewardship.decisions()


def test_the_token_of_another_session_is_not_taken(served: Served, steward: Browser) -> None:
    with served.browser("b.steward") as other:
        foreign = hidden(other.get(f"/submissions/{HELD}/accept"))
    answer = steward.post(f"/submissions/{HELD}/accept", {**foreign, "reason": "because"})
    assert answer.status_code == 403
    assert not served.home.stewardship.decisions()


def test_a_form_that_another_site_sends_is_not_taken(steward: Browser, served: Served) -> None:
    path = f"/submissions/{HELD}/accept"
    form = {**hidden(steward.get(path)), "reason": "because"}
    for site in ("cross-site", "same-site"):
        assert steward.post(path, form, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert not served.home.stewardship.decisions()
    assert steward.post(path, form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_nobody_can_be_signed_in_by_a_page_of_another_site(served: Served) -> None:
    with served.browser() as attacker, served.browser() as victim:
        theirs = hidden(attacker.get("/sign-in"))
        answer = victim.post("/sign-in", {**theirs, "name": "a.steward", "password": PASSWORD})
        assert answer.status_code == 403
        assert COOKIE not in victim.cookies


def test_cookies_are_kept_from_scripts_and_other_sites(served: Served) -> None:
    with served.browser() as browser:
        set_by = browser.sign_in("a.steward").headers.get_list("set-cookie")
        (cookie,) = [said for said in set_by if said.startswith(f"{COOKIE}=")]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {p.strip() for p in cookie.split(";")}
        assert "Secure" not in cookie, "on loopback there is no TLS"


def test_behind_a_proxy_cookies_are_for_tls_alone(served: Served) -> None:
    proxied = Served(served.home, settings={"public_name": "desk.example"})
    with proxied.browser(host="desk.example") as browser:
        cookies = browser.sign_in("a.steward").headers.get_list("set-cookie")
        assert all("Secure" in cookie for cookie in cookies if "Max-Age=0" not in cookie)


def test_a_stolen_cookie_is_worth_nothing_in_another_browser(
    served: Served, steward: Browser
) -> None:
    stolen = steward.cookies[COOKIE]
    with served.browser(agent="another browser") as thief:
        thief.cookies.set(COOKIE, stolen, domain="127.0.0.1", path="/")
        assert thief.get("/").status_code == 303
    assert steward.get("/").status_code == 303, "whose cookie was stolen signs in again"


def test_the_cookie_of_before_sign_in_is_none_after(served: Served) -> None:
    with served.browser() as browser:
        browser.cookies.set(COOKIE, "planted", domain="127.0.0.1", path="/")
        browser.sign_in("a.steward")
        with served.browser() as attacker:
            attacker.cookies.set(COOKIE, "planted", domain="127.0.0.1", path="/")
            assert attacker.get("/").status_code == 303


def test_no_cookie_is_kept_as_it_is() -> None:
    sessions = Sessions()
    cookie = sessions.begin("a.steward", 1, "a browser", 0)
    assert sessions.of(cookie, "a browser", 1) is not None
    kept = repr(sessions)
    assert "a.steward" in kept
    assert cookie not in kept
    assert "a browser" not in kept


def test_who_signs_in_again_leaves_no_session_behind(served: Served, steward: Browser) -> None:
    before = steward.cookies[COOKIE]
    assert steward.sign_in("a.steward").status_code == 303
    assert steward.cookies[COOKIE] != before
    steward.cookies.set(COOKIE, before, domain="127.0.0.1", path="/")
    assert steward.get("/").status_code == 303


def test_sign_out_ends_the_session_at_the_desk_too(served: Served, steward: Browser) -> None:
    kept = steward.cookies[COOKIE]
    token = hidden(steward.get("/account"))["token"]
    assert steward.post("/sign-out", {"token": "x"}).status_code == 403
    assert steward.get("/").status_code == 200
    assert steward.post("/sign-out", {"token": token}).headers["location"] == "/sign-in"
    steward.cookies.set(COOKIE, kept, domain="127.0.0.1", path="/")
    assert steward.get("/").status_code == 303


def test_a_session_ends_when_nobody_uses_it_and_after_a_working_day(served: Served) -> None:
    with served.browser("a.steward") as browser:
        served.clock.seconds += IDLE_SECONDS - 1
        assert browser.get("/").status_code == 200
        served.clock.seconds += IDLE_SECONDS
        assert browser.get("/").status_code == 303
    with served.browser("a.steward") as browser:
        for _ in range(LONGEST_SECONDS // (IDLE_SECONDS - 1)):
            served.clock.seconds += IDLE_SECONDS - 1
            assert browser.get("/").status_code == 200
        served.clock.seconds += IDLE_SECONDS - 1
        assert browser.get("/").status_code == 303


def test_a_closed_account_is_signed_out_at_once(served: Served, steward: Browser) -> None:
    path = f"/submissions/{HELD}/accept"
    form = {**hidden(steward.get(path)), "reason": "because"}
    closed = AccountChange(name="a.steward", act=AccountAct.DISABLED, changed_by="tests")
    served.home.stewardship.change_account(closed, served.desk.now())
    assert steward.post(path, form).status_code == 401
    assert not served.home.stewardship.decisions()
    with served.browser() as again:
        assert again.sign_in("a.steward").status_code == 403


def test_another_password_ends_every_other_session(served: Served, steward: Browser) -> None:
    new = "four other unrelated words"
    with served.browser("a.steward", agent="at home") as elsewhere:
        form = {"old": PASSWORD, "new": new, "again": new}
        done = steward.fill("/account", **form)
        assert "signed out everywhere else" in said(steward.follow(done))
        assert elsewhere.get("/").status_code == 303
        assert elsewhere.sign_in("a.steward").status_code == 403
        assert elsewhere.sign_in("a.steward", new).status_code == 303


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"old": "x", "new": "new words here", "again": "new words here"}, "is another one"),
        ({"old": PASSWORD, "new": "new words here", "again": "other"}, "typed in two ways"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "12 characters or more"),
        ({"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "the one that you have"),
        ({"old": PASSWORD, "new": "a.steward's own", "again": "a.steward's own"}, "the name"),
        ({"old": PASSWORD, "new": "abababababab", "again": "abababababab"}, "different"),
    ],
)
def test_a_password_that_will_not_do_is_said_why(
    served: Served, steward: Browser, form: dict[str, str], sentence: str
) -> None:
    before = served.home.stewardship.account_changes()
    answer = steward.fill("/account", **form)
    assert answer.status_code == 422
    assert sentence in said(answer)
    assert served.home.stewardship.account_changes() == before


@pytest.mark.parametrize("token", [None, "", "x", "é"])
def test_no_other_page_changes_a_password(
    served: Served, steward: Browser, token: str | None
) -> None:
    before = served.home.stewardship.account_changes()
    new = "four other unrelated words"
    form = {"old": PASSWORD, "new": new, "again": new}
    answer = steward.post("/account", form if token is None else {**form, "token": token})
    assert answer.status_code == 403
    assert served.home.stewardship.account_changes() == before


def test_a_sign_in_form_with_a_strange_token_is_not_taken(served: Served) -> None:
    with served.browser() as browser:
        browser.get("/sign-in")
        form = {"token": "é", "name": "a.steward", "password": PASSWORD}
        assert browser.post("/sign-in", form).status_code == 403


# ------------------------------------------------------------------------------- guessing


def test_an_account_is_locked_for_a_while_however_right_the_password_is(served: Served) -> None:
    with served.browser() as browser:
        for _ in range(attempts.PER_ACCOUNT):
            assert browser.sign_in("a.steward", "a wrong password").status_code == 403
        locked = browser.sign_in("a.steward")
        assert locked.status_code == 429
        assert locked.headers["retry-after"] == str(attempts.WITHIN_SECONDS)
        assert browser.sign_in("A.STEWARD ").status_code == 429, "nor by another spelling"
        assert browser.sign_in("b.steward").status_code == 303, "others go on"
        served.clock.seconds += attempts.WITHIN_SECONDS
        assert browser.sign_in("a.steward").status_code == 303


def test_a_name_that_nobody_has_is_answered_like_any_other(served: Served) -> None:
    with served.browser() as browser:
        for name in ("nobody", "a.steward"):
            answers = [browser.sign_in(name, "a wrong password") for _ in range(6)]
            assert [a.status_code for a in answers] == [403] * 5 + [429], name


def test_an_address_is_locked_whatever_names_it_tries(served: Served) -> None:
    with served.browser() as browser:
        for n in range(attempts.PER_ADDRESS):
            assert browser.sign_in(f"name-{n}", "a wrong password").status_code == 403
        assert browser.sign_in("a.steward").status_code == 429


def test_names_without_end_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_MOST_KEPT", 10)
    kept = attempts.Attempts()
    begun = [kept.begin(f"name-{n}", f"10.0.0.{n}", 0.0) for n in range(100)]
    assert begun == [True] * 5 + [False] * 95, "of an account and of an address each"
    assert kept.begin("another", "10.0.1.1", attempts.WITHIN_SECONDS), "they are forgotten"


def test_guessing_in_parallel_is_no_faster(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    checked, looking = [], threading.Barrier(attempts.PER_ACCOUNT, timeout=20)

    def slow(password: str, password_hash: str | None) -> bool:
        checked.append(password)
        looking.wait()
        return False

    monkeypatch.setattr(passwords, "is_right", slow)

    def guess(n: int) -> None:
        with served.browser() as browser:
            browser.sign_in("a.steward", f"guess number {n}")

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(checked) == attempts.PER_ACCOUNT, "no guess more was compared with anything"


def test_changing_a_password_is_no_way_to_guess_it(steward: Browser) -> None:
    form = {"old": "wrong", "new": "new words here", "again": "new words here"}
    codes = [steward.fill("/account", **form).status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]


def test_passwords_are_kept_as_argon2id_and_never_as_they_are(served: Served) -> None:
    store = (served.home.root / "stewardship.sqlite").read_bytes()
    assert PASSWORD.encode() not in store
    assert store.count(b"$argon2id$") >= 5


# --------------------------------------------------------------- what is not even looked at


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3001", "127.0.0.1.evil.example", ""]
)
def test_the_desk_answers_to_its_own_names_alone(steward: Browser, host: str) -> None:
    assert steward.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:3001", "LOCALHOST", "[::1]:3001", "127.0.0.1"])
def test_names_of_loopback_are_its_own(steward: Browser, host: str) -> None:
    assert steward.get("/sign-in", headers={"Host": host}).status_code == 200


def test_every_answer_carries_the_headers(asked: Served) -> None:
    with asked.browser("b.releaser") as browser:
        addresses = [*everywhere(asked), "/sign-in", "/nowhere", "/static/desk.css"]
        for path in addresses:
            headers = browser.get(path).headers
            for name, value in security.HEADERS.items():
                if not (name == "Cache-Control" and path.startswith("/static/")):
                    assert headers.get(name) == value, (path, name)
        refused = browser.get("/", headers={"Host": "evil.example"})
        assert refused.headers["content-security-policy"].startswith("default-src 'none'")


def test_what_browsers_are_told_is_as_strict_as_can_be(steward: Browser) -> None:
    headers = steward.get("/").headers
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    for scope in ("opener", "resource"):
        assert headers[f"cross-origin-{scope}-policy"] == "same-origin"


def test_no_page_needs_what_its_own_policy_forbids(asked: Served) -> None:
    with asked.browser("b.releaser") as browser:
        for path in everywhere(asked):
            page = browser.get(path).text
            for forbidden in ("<script", " style=", "<style", "javascript:", " onclick", "http"):
                assert forbidden not in page.replace("http://www.w3.org", ""), (path, forbidden)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/%2e%2e/app.py",
        "/static/....//desk.css",
        "/static//etc/passwd",
        "/static/desk.css%00.svg",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/submissions/..%2f..%2fprogramme.yaml",
        "/texts/..%2f..%2f",
        "/releases/../../secrets/approve",
    ],
)
def test_a_path_that_climbs_is_no_page(served: Served, path: str) -> None:
    with served.browser("a.releaser") as browser:
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "root:" not in answer.text
        assert "programme:" not in answer.text


def test_a_large_body_is_refused_before_it_is_read(served: Served) -> None:
    """100 MB are announced; whoever reads one byte of them fails the test."""
    sent, size = [], 100 * 1024 * 1024

    async def receive() -> dict[str, object]:
        raise AssertionError("the body was read")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    for headers, status in (
        ([(b"content-length", str(size).encode())], 413),
        ([(b"transfer-encoding", b"chunked")], 411),
        ([], 411),
        ([(b"content-length", b"-1")], 400),
    ):
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/sign-in",
            "raw_path": b"/sign-in",
            "query_string": b"",
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"content-type", b"application/x-www-form-urlencoded"),
                *headers,
            ],
        }
        asyncio.run(served.app(scope, receive, send))
        start = next(m for m in sent if m["type"] == "http.response.start")
        assert start["status"] == status
        sent.clear()


def test_a_form_of_another_kind_is_refused(steward: Browser) -> None:
    answer = steward.send("POST", f"/submissions/{HELD}/accept", files={"reason": b"x"})
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X"])
@pytest.mark.parametrize("path", ["/", "/static/desk.css", "/nowhere"])
def test_a_method_that_no_page_uses_is_refused_before_any_page(
    steward: Browser, method: str, path: str
) -> None:
    answer = steward.send(method, path)
    assert (answer.status_code, answer.text) == (405, "The desk knows GET and POST.")


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_sign_in_leads_to_the_desk_alone(served: Served, wanted: str) -> None:
    with served.browser() as browser:
        page = browser.get("/sign-in", params={"next": wanted})
        form = {**hidden(page), "name": "a.steward", "password": PASSWORD}
        assert browser.post("/sign-in", form).headers["location"] == "/"
        form = {**hidden(browser.get("/sign-in")), "name": "a.steward", "password": PASSWORD}
        again = browser.post("/sign-in", {**form, "next": wanted})
        assert again.headers["location"] == "/"
        there = browser.post("/sign-in", {**form, "next": "/trail?page=2"})
        assert there.status_code in {303, 403}


def test_a_defect_quotes_nothing(
    served: Served, steward: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"{TEXT} {FORCE}-secret")

    monkeypatch.setattr(type(served.desk), "trail", broken)
    answer = steward.get("/trail")
    assert answer.status_code == 500
    assert "RuntimeError at " in said(answer)
    assert "secret" not in answer.text
    assert "Canaryname" not in answer.text


def test_a_home_that_cannot_be_read_is_one_sentence(served: Served, steward: Browser) -> None:
    served.home.warehouse.unlink()
    answer = steward.get("/")
    assert answer.status_code == 503
    assert "`muster run` makes it" in said(answer)
