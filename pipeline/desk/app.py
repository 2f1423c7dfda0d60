"""The desk as an ASGI application: signing in and out, and who may see which page.

What stays out: what pages show (`pages/`), and refusing what no page sends (`security.py`).

Everything that a page does runs in a thread of its own, since DuckDB, SQLite and argon2 wait. No
exception gets past `_answered`: a server that logged one would log what it quotes.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final
from urllib.parse import quote

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipeline.accounts import Account, key
from pipeline.desk import passwords
from pipeline.desk.answers import Answer, Download, Elsewhere, NotFound, Page, Refused, Stale, Visit
from pipeline.desk.attempts import WITHIN_SECONDS, Attempts
from pipeline.desk.pages import PAGES, Place
from pipeline.desk.pages.account import changed_password
from pipeline.desk.rendering import environment
from pipeline.desk.security import LOOPBACK, Guard
from pipeline.desk.sessions import LONGEST_SECONDS, Session, Sessions, is_token
from pipeline.desk.state import Desk
from pipeline.errors import place_of
from pipeline.health import Health
from pipeline.programme import UnusableConfiguration
from pipeline.review import NotPossible
from pipeline.storage.condition import health, limits_of

COOKIE: Final = "muster_desk"
_VISITOR: Final = "muster_desk_visitor"
_MEDIA: Final = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
_MOST_FIELDS: Final = 1_000
_SECONDS_HEALTH_IS_KEPT: Final = 5.0
"""Whoever asks without end makes no more work than this, and never stands in a run's way."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the desk is reached."""

    public_name: str | None = None
    """A name under which a proxy that speaks TLS passes requests on; then cookies are for TLS
    alone."""
    clock: Callable[[], float] = time.monotonic

    @property
    def hosts(self) -> frozenset[str]:
        return LOOPBACK | ({self.public_name.lower()} if self.public_name else frozenset())


@dataclass(slots=True)
class _House:
    """What all requests of one running desk share."""

    desk: Desk
    settings: Settings
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    templates: jinja2.Environment = field(default_factory=environment)

    def render(self, page: Page, **more: object) -> HTMLResponse:
        text = self.templates.get_template(page.template).render(**page.context, **more)
        return HTMLResponse(text, page.status)

    def problem(self, status: int, title: str, sentence: str, **more: object) -> HTMLResponse:
        return self.render(
            _problem(status, title, sentence), **{"visit": None, "token": None, **more}
        )

    def form_token(self, visitor: str) -> str:
        """What the sign-in form of one visitor carries: nobody can sign another one in."""
        return hmac.new(self.secret, visitor.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, given: str, visitor: str) -> bool:
        return hmac.compare_digest(self.form_token(visitor).encode(), given.encode())

    def signed_in(self, request: Request) -> tuple[Session, Account] | None:
        session = self.sessions.of(
            request.cookies.get(COOKIE), _browser(request), self.settings.clock()
        )
        if session is None:
            return None
        account = self.desk.account(session.account)
        if account is None or account.last_change != session.last_change:
            self.sessions.end(request.cookies.get(COOKIE))
            return None
        return session, account


def desk_app(desk: Desk, settings: Settings | None = None) -> ASGIApp:
    """The application of one home folder; its sessions end with it."""
    house = _House(desk, settings or Settings())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        desk.close()

    routes = [
        Route("/sign-in", _endpoint(house, _sign_in_page, _sign_in), methods=["GET", "POST"]),
        Route("/sign-out", _endpoint(house, None, _sign_out), methods=["GET", "POST"]),
        Route(
            "/account", _endpoint(house, _account_page, _change_password), methods=["GET", "POST"]
        ),
        Route("/healthz", _health(house), methods=["GET"]),
        Route("/static/{name}", _static(house), methods=["GET"]),
        *(Route(place.path, _guarded(house, place), methods=["GET", "POST"]) for place in PAGES),
        Route("/{anything:path}", _endpoint(house, _nowhere, _nowhere), methods=["GET", "POST"]),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), house.settings.hosts)


_Form = Mapping[str, list[str]]
_Handler = Callable[[_House, Request, _Form], Response]


def _endpoint(house: _House, get: _Handler | None, post: _Handler) -> Callable[..., object]:
    async def endpoint(request: Request) -> Response:
        handler = post if request.method == "POST" else get
        form = await _form(request) if request.method == "POST" else {}
        return await run_in_threadpool(_answered, house, request, handler or _nowhere, form)

    return endpoint


def _health(house: _House) -> Callable[..., object]:
    """For monitors, who do not sign in: whether all is well, and nothing that names or counts."""
    limits = limits_of()
    kept: list[tuple[float, Health]] = []

    def answered() -> Response:
        now = house.settings.clock()
        try:
            if not kept or now - kept[0][0] > _SECONDS_HEALTH_IS_KEPT:
                kept[:] = [(now, health(house.desk.home, house.desk.now(), limits))]
            found = kept[0][1]
            return JSONResponse(found.as_json(), 200 if found.is_well else 503)
        except OSError:
            return JSONResponse({"status": "unknown"}, 503)

    async def endpoint(_: Request) -> Response:
        return await run_in_threadpool(answered)

    return endpoint


def _guarded(house: _House, place: Place) -> Callable[..., object]:
    def handle(house: _House, request: Request, form: _Form) -> Response:
        known = house.signed_in(request)
        if known is None:
            return _ask_to_sign_in(house, request)
        session, account = known
        visit = Visit(
            account=account,
            desk=house.desk,
            path=dict(request.path_params),
            query=dict(request.query_params),
            form=form,
        )
        shown = {"visit": visit, "token": session.token, "path": request.url.path}
        if not visit.may(place.role):
            sentence = f"It takes an account with the role {place.role} or more."
            return house.problem(403, "Not with this account", sentence, **shown)
        if request.method == "POST" and not is_token(session, visit.said("token")):
            return _forged(house, **shown)
        answer = _answer(place, visit, request.method)
        if isinstance(answer, Elsewhere):
            return RedirectResponse(answer.path, 303)
        if isinstance(answer, Download):
            kept = {"Content-Disposition": f'attachment; filename="{answer.name}"'}
            return Response(answer.content, 200, kept, answer.media)
        return house.render(answer, **shown)

    return _endpoint(house, handle, handle)


def _answer(place: Place, visit: Visit, method: str) -> Answer:
    """What a page answers, or the page that says why it cannot."""
    handler = place.post if method == "POST" else place.get
    if handler is None:
        return _NO_SUCH_PAGE
    try:
        return handler(visit)
    except (NotPossible, Refused) as problem:
        return _problem(422, "That cannot be put on record", str(problem))
    except Stale as stale:
        return Page("stale.html", {"changes": stale.changes, "back": stale.back}, 409)
    except NotFound:
        return _NO_SUCH_PAGE


def _problem(status: int, title: str, sentence: str) -> Page:
    return Page("problem.html", {"title": title, "sentence": sentence}, status)


_NO_SUCH_PAGE: Final = _problem(404, "No such page", "The desk has no page of that address.")


def _answered(house: _House, request: Request, handler: _Handler, form: _Form) -> Response:
    """The response, whatever happens; no exception gets out, since one may quote what it met."""
    try:
        return handler(house, request, form)
    except UnusableConfiguration as problem:
        return house.problem(503, "The desk cannot read the home folder", str(problem))
    except Exception as defect:  # noqa: BLE001 - see above
        sentence = f"The desk failed, which is a defect of its own: {place_of(defect)}."
        return house.problem(500, "Something is wrong with the desk", sentence)


async def _form(request: Request) -> _Form:
    sent = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    found: dict[str, list[str]] = {}
    for name, value in sent.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def _browser(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _nowhere(house: _House, request: Request, _: _Form) -> Response:
    known = house.signed_in(request)
    visit = Visit(account=known[1], desk=house.desk) if known else None
    token = known[0].token if known else None
    return house.render(_NO_SUCH_PAGE, visit=visit, token=token)


def _forged(house: _House, **more: object) -> Response:
    sentence = (
        "The form was not sent by a page of yours, so nothing was changed. Open the page again."
    )
    return house.problem(403, "Not taken", sentence, **more)


def _ask_to_sign_in(house: _House, request: Request) -> Response:
    if request.method == "POST":
        sentence = (
            "You are not signed in any more, so nothing was changed. Sign in and decide again."
        )
        return house.problem(401, "Signed out", sentence)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}", 303)


def _sign_in_page(
    house: _House, request: Request, _: _Form, problem: str | None = None, status: int = 200
) -> Response:
    visitor = request.cookies.get(_VISITOR) or secrets.token_urlsafe(32)
    page = Page(
        "sign_in.html",
        {
            "problem": problem,
            "next": _local(request.query_params.get("next", "")),
            "title_of_programme": _title(house),
        },
        status,
    )
    response = house.render(page, visit=None, token=house.form_token(visitor))
    _set_cookie(house, response, _VISITOR, visitor)
    return response


def _sign_in(house: _House, request: Request, form: _Form) -> Response:
    visitor = request.cookies.get(_VISITOR, "")
    token, name, password = (_last(form, field) for field in ("token", "name", "password"))
    if not visitor or not house.is_form_token(token, visitor):
        problem = "The page was open for too long, or the browser keeps no cookies. Try again."
        return _sign_in_page(house, request, form, problem, 403)
    address = request.client.host if request.client else ""
    if not house.attempts.begin(key(name), address, house.settings.clock()):
        minutes = WITHIN_SECONDS // 60
        problem = (
            f"There were too many attempts. Nobody can sign in so for up to {minutes} minutes."
        )
        response = _sign_in_page(house, request, form, problem, 429)
        response.headers["Retry-After"] = str(WITHIN_SECONDS)
        return response
    account = house.desk.account(name)
    right = passwords.is_right(password, account.password_hash if account else None)
    if account is None or not right:
        problem = "Name and password do not go together."
        return _sign_in_page(house, request, form, problem, 403)
    house.attempts.succeeded(key(name), address)
    house.sessions.end(request.cookies.get(COOKIE))
    return _begun(house, request, account, _local(_last(form, "next")))


def _begun(house: _House, request: Request, account: Account, path: str) -> Response:
    """A new session: what was known of the visitor before is worth nothing after."""
    cookie = house.sessions.begin(
        account.name, account.last_change, _browser(request), house.settings.clock()
    )
    response = RedirectResponse(path, 303)
    _set_cookie(house, response, COOKIE, cookie)
    response.delete_cookie(_VISITOR, path="/")
    return response


def _sign_out(house: _House, request: Request, form: _Form) -> Response:
    known = house.signed_in(request)
    if known is not None and not is_token(known[0], _last(form, "token")):
        return _forged(house)
    house.sessions.end(request.cookies.get(COOKIE))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    return response


def _account_page(
    house: _House, request: Request, _: _Form, problem: str | None = None, status: int = 200
) -> Response:
    known = house.signed_in(request)
    if known is None:
        return _ask_to_sign_in(house, request)
    session, account = known
    done = "done" in request.query_params
    page = Page("account.html", {"problem": problem, "done": done}, status)
    visit = Visit(account=account, desk=house.desk)
    return house.render(page, visit=visit, token=session.token, path="/account")


def _change_password(house: _House, request: Request, form: _Form) -> Response:
    known = house.signed_in(request)
    if known is None:
        return _ask_to_sign_in(house, request)
    session, account = known
    if not is_token(session, _last(form, "token")):
        return _forged(house)
    address = request.client.host if request.client else ""
    if not house.attempts.begin(key(account.name), address, house.settings.clock()):
        return _account_page(house, request, form, "There were too many attempts.", 429)
    try:
        changed_password(
            house.desk, account, *(_last(form, name) for name in ("old", "new", "again"))
        )
    except Refused as problem:
        return _account_page(house, request, form, str(problem), 422)
    house.attempts.succeeded(key(account.name), address)
    house.sessions.end(request.cookies.get(COOKIE))
    newest = house.desk.account(account.name)
    if newest is None:
        return _ask_to_sign_in(house, request)
    return _begun(house, request, newest, "/account?done")


def _static(house: _House) -> Callable[..., object]:
    """Files by name out of what was read at the start: no path reaches the disk."""
    known = {
        entry.name: entry.read_bytes()
        for entry in files("pipeline.desk").joinpath("static").iterdir()
        if entry.name.rpartition(".")[2] in _MEDIA
    }

    async def endpoint(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in known:
            return _nowhere(house, request, {})
        kept = {"Cache-Control": "private, max-age=3600"}
        return Response(known[name], 200, kept, _MEDIA[name.rpartition(".")[2]])

    return endpoint


def _set_cookie(house: _House, response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=LONGEST_SECONDS,
        path="/",
        secure=house.settings.public_name is not None,
        httponly=True,
        samesite="strict",
    )


def _title(house: _House) -> str:
    try:
        return house.desk.programme.title
    except UnusableConfiguration:
        return ""


def _last(form: _Form, name: str) -> str:
    return (form.get(name) or [""])[-1]


def _local(path: str) -> str:
    """A page of the desk to go to; any other address is turned into the first page."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_local and path.isprintable() else "/"
