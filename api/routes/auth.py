"""Signing in, staying signed in, signing out, and who am I."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Form, Header, Request, Response

from access import tokens
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
from core.errors import DomainError, Invalid, TooMany, Unauthenticated, Unavailable
from core.settings import HttpSettings

router = APIRouter(prefix="/v1", tags=["auth"])

COOKIE = "xunge_refresh"
COOKIE_PATH = "/v1/auth"  # the only addresses that the browser sends it to
WEB = "web"
KEY_DESCRIPTION = (
    "Made at random once per refresh token and kept until the reply has arrived: with the same key a lost "
    "reply can be asked for again. Tabs that share the cookie must share the key; another key on a used "
    "token ends the sign-in."
)
ENDED = (TokenInvalid, TokenExpired, SignedOut, AccountDisabled)


def throttle_of(request: Request) -> SignInThrottle:
    throttle = request.app.state.sign_in_throttle
    assert isinstance(throttle, SignInThrottle)
    return throttle


def forbid_storing(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


Throttle = Annotated[SignInThrottle, Depends(throttle_of)]
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=16, max_length=200, description=KEY_DESCRIPTION)
]


@router.post(
    "/auth/token",
    response_model=TokenOut,
    responses=problem_replies(Invalid, WrongCredentials, AccountDisabled, TooMany, SignInLocked, Unavailable),
)
def create_token(
    request: Request,
    response: Response,
    form: Annotated[SignInForm, Form()],
    session: WriteSession,
    settings: AppSettings,
    throttle: Throttle,
) -> TokenOut | Response:
    """Sign in with user name and password."""
    throttle.admit(request.client.host if request.client else "")
    credentials = Credentials(form.username, form.password, form.client_id)
    outcome = sign_in(session, throttle, settings.access, credentials)
    if isinstance(outcome, DomainError):
        return _refused(request, outcome)
    return _granted(response, outcome, settings.http, in_cookie=form.client_id == WEB)


@router.post(
    "/auth/refresh",
    response_model=TokenOut,
    responses=problem_replies(Invalid, Unauthenticated, *ENDED, RefreshReused, Unavailable),
)
def refresh_token(
    request: Request,
    response: Response,
    key: IdempotencyKey,
    session: WriteSession,
    settings: AppSettings,
    body: RefreshIn | None = None,
    cookie: RefreshCookie = None,
) -> TokenOut | Response:
    """Exchange the refresh token, from the body or the cookie, for the next pair."""
    in_body = body.refresh_token if body else None
    token = in_body or cookie
    if token is None:
        raise Unauthenticated
    outcome = tokens.refresh(session, token, key, settings.access)
    if isinstance(outcome, DomainError):
        return _refused(request, outcome)
    return _granted(response, outcome, settings.http, in_cookie=in_body is None)


@router.post(
    "/auth/logout",
    status_code=204,
    dependencies=[Depends(forbid_storing)],
    responses=problem_replies(Invalid, Unavailable),
)
def sign_out(
    response: Response,
    session: WriteSession,
    settings: AppSettings,
    access_token: BearerToken,
    body: RefreshIn | None = None,
    cookie: RefreshCookie = None,
) -> None:
    """End the sign-in of any token sent along; one that has ended already is as good."""
    tokens.sign_out(session, access_token, body.refresh_token if body else None, cookie)
    response.delete_cookie(
        COOKIE, COOKIE_PATH, httponly=True, samesite="strict", secure=settings.http.secure_cookies
    )


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


def _granted(response: Response, pair: TokenPair, http: HttpSettings, *, in_cookie: bool) -> TokenOut:
    forbid_storing(response)
    at = now()
    if in_cookie:
        response.set_cookie(
            COOKIE,
            pair.refresh_token,
            max_age=max(0, int((pair.refresh_expires_at - at).total_seconds())),
            path=COOKIE_PATH,
            httponly=True,
            samesite="strict",
            secure=http.secure_cookies,
        )
    return TokenOut(
        access_token=pair.access_token,
        token_type="bearer",
        expires_in=max(0, int((pair.access_expires_at - at).total_seconds())),
        refresh_token=None if in_cookie else pair.refresh_token,
    )


def _refused(request: Request, error: DomainError) -> Response:
    """The reply that lets the transaction commit what the refusal changed."""
    response = problem_response(request, error)
    forbid_storing(response)
    return response


def _assignment(held: HeldRole, place: Place) -> AssignmentOut:
    return AssignmentOut(
        role=held.role,
        grid_code=place.grid_code,
        grid_name=place.grid_name,
        street_code=place.street_code,
        street_name=place.street_name,
        valid_from=held.valid_from,
        valid_to=held.valid_to,
    )
