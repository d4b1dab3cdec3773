"""Signing in, staying signed in, signing out, and who am I."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

from fastapi import APIRouter, Cookie, Depends, Form, Header, Request, Response

from access import tokens
from access.passwords import SignInBusy
from access.queries import Place, extent_of, places_of
from access.roles import Action
from access.scope import HeldRole, scope_of
from access.sign_in import Credentials, WrongCredentials, sign_in
from access.throttle import SignInLocked, SignInThrottle
from access.tokens import AccountDisabled, RefreshReused, SignedOut, TokenExpired, TokenInvalid, TokenPair
from api.dependencies import AppSettings, BearerToken, Reading, WriteSession
from api.problems import problem_replies, problem_response
from api.schemas.auth import AssignmentOut, MeOut, RefreshIn, SignInForm, TokenOut
from core.clock import now, today
from core.errors import DomainError, Forbidden, Invalid, TooMany, Unauthenticated, Unavailable

router = APIRouter(prefix="/v1", tags=["auth"])

COOKIE = "xunge_refresh"
COOKIE_PATH = "/v1/auth"  # the only addresses that the browser sends it to
WEB = "web"
KEY_DESCRIPTION = (
    "Made at random once per refresh token and kept until the reply has arrived: with the same key a lost "
    "reply can be asked for again. Tabs that share the cookie must share the key; another key on a used "
    "token ends the sign-in."
)
REFUSED = (WrongCredentials, AccountDisabled, SignInLocked)
ENDED = (TokenInvalid, TokenExpired, SignedOut, AccountDisabled)


class CrossSite(Forbidden):
    """Another site's page may not sign a browser in here."""

    code = "cross-site"


class CookieLimits(TypedDict):
    """What keeps the cookie from scripts, other sites and other addresses."""

    path: str
    httponly: bool
    samesite: Literal["strict"]
    secure: bool


def forbid_storing(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of these routes: what came, where the answer goes, and the session between."""

    request: Request
    response: Response
    session: WriteSession
    settings: AppSettings

    @property
    def throttle(self) -> SignInThrottle:
        throttle = self.request.app.state.sign_in_throttle
        assert isinstance(throttle, SignInThrottle)
        return throttle

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else ""

    def refuse_other_sites(self) -> None:
        """No page of another site can put its own account's cookie into a visitor's browser."""
        if self.request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise CrossSite

    def granted(self, pair: TokenPair, *, in_cookie: bool) -> TokenOut:
        forbid_storing(self.response)
        at = now()
        if in_cookie:
            life_s = int((pair.refresh_expires_at - at).total_seconds())
            self.response.set_cookie(COOKIE, pair.refresh_token, max_age=life_s, **self._cookie_limits())
        return TokenOut(
            access_token=pair.access_token,
            token_type="bearer",
            expires_in=max(0, int((pair.access_expires_at - at).total_seconds())),
            refresh_token=None if in_cookie else pair.refresh_token,
        )

    def refused(self, error: DomainError) -> Response:
        """The reply that lets the transaction commit what the refusal changed."""
        response = problem_response(self.request, error)
        forbid_storing(response)
        return response

    def clear_cookie(self) -> None:
        self.response.delete_cookie(COOKIE, **self._cookie_limits())

    def _cookie_limits(self) -> CookieLimits:
        secure = self.settings.http.secure_cookies
        return {"path": COOKIE_PATH, "httponly": True, "samesite": "strict", "secure": secure}


@dataclass(frozen=True, slots=True)
class SentRefresh:
    """The refresh token that came, and whether the browser's cookie jar sent it."""

    token: str | None
    is_cookie: bool


def sent_refresh(
    body: RefreshIn | None = None, cookie: Annotated[str | None, Cookie(alias=COOKIE)] = None
) -> SentRefresh:
    if body is not None and body.refresh_token is not None:
        return SentRefresh(body.refresh_token, is_cookie=False)
    return SentRefresh(cookie, is_cookie=True)


InExchange = Annotated[Exchange, Depends()]
RefreshSent = Annotated[SentRefresh, Depends(sent_refresh)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=16, max_length=200, description=KEY_DESCRIPTION)
]


@router.post(
    "/auth/token",
    response_model=TokenOut,
    responses=problem_replies(Invalid, *REFUSED, CrossSite, TooMany, SignInBusy, Unavailable),
)
def create_token(exchange: InExchange, form: Annotated[SignInForm, Form()]) -> TokenOut | Response:
    """Sign in with user name and password."""
    if form.client_id == WEB:
        exchange.refuse_other_sites()
    exchange.throttle.admit(exchange.address)
    credentials = Credentials(form.username, form.password, form.client_id)
    outcome = sign_in(exchange.session, exchange.throttle, exchange.settings.access, credentials)
    if isinstance(outcome, DomainError):
        return exchange.refused(outcome)
    return exchange.granted(outcome, in_cookie=form.client_id == WEB)


@router.post(
    "/auth/refresh",
    response_model=TokenOut,
    responses=problem_replies(Invalid, Unauthenticated, *ENDED, RefreshReused, Unavailable),
)
def refresh_token(exchange: InExchange, key: IdempotencyKey, sent: RefreshSent) -> TokenOut | Response:
    """Exchange the refresh token, from the body or the cookie, for the next pair."""
    if sent.token is None:
        raise Unauthenticated
    outcome = tokens.refresh(exchange.session, sent.token, key, exchange.settings.access)
    if isinstance(outcome, DomainError):
        return exchange.refused(outcome)
    return exchange.granted(outcome, in_cookie=sent.is_cookie)


@router.post(
    "/auth/logout",
    status_code=204,
    dependencies=[Depends(forbid_storing)],
    responses=problem_replies(Invalid, Unavailable),
)
def sign_out(exchange: InExchange, access_token: BearerToken, sent: RefreshSent) -> None:
    """End the sign-in of any token sent along; one that has ended already is as good."""
    tokens.sign_out(exchange.session, access_token, sent.token)
    exchange.clear_cookie()


@router.get(
    "/me",
    response_model=MeOut,
    dependencies=[Depends(forbid_storing)],
    responses=problem_replies(Unauthenticated, *ENDED, Unavailable),
)
def read_me(call: Reading) -> MeOut:
    """The person signed in, with the roles of today."""
    actor, day = call.actor, today()
    places = places_of(call.session, actor.assignments, day)
    return MeOut(
        person_id=actor.person_id,
        name=actor.name,
        username=actor.username,
        roles=sorted(actor.roles),
        assignments=[_assignment(held, places[held.assignment_id]) for held in actor.assignments],
        bbox=extent_of(call.session, scope_of(actor, Action.READ_GRIDS), day),
        actions=sorted(actor.actions),
    )


def _assignment(held: HeldRole, place: Place) -> AssignmentOut:
    return AssignmentOut(
        role=held.role,
        grid_code=place.grid_code,
        grid_name=place.grid_name,
        street_code=place.street_code,
        street_name=place.street_name,
        valid_from=held.valid_from,
        valid_to=held.valid_to,
        stands_in_for=held.stands_in_for,
    )
