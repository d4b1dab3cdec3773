"""OGC API - Features: grids and their compliance for QGIS, GDAL and others that speak the standard.

Handlers take their parameters from the address themselves (api/ogc/query.py): the standard wants 400 for
whatever is unknown, FastAPI would let it pass.
"""

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from access.queries import extent_of
from access.roles import Action
from access.scope import scope_of
from access.sign_in import WrongCredentials
from access.throttle import SignInLocked
from api.dependencies import Call
from api.gis_sign_in import GisReading, gis_call
from api.ogc import documents
from api.ogc.collections import NoSuchCollection, find, visible_to
from api.ogc.features import PRIVATE, feature_reply, items_reply
from api.ogc.openapi import description
from api.ogc.query import OF_FEATURE, OF_ITEMS, no_question, question_of
from api.problems import problem_replies
from core.clock import today
from core.errors import BadQuery, NotFound, TooMany, Unauthenticated, Unavailable
from geo.collections import beginning_of
from geo.queries import BBox, NotOnThatDay

router = APIRouter(prefix="/ogc", tags=["ogc"])

ALWAYS = (BadQuery, Unauthenticated, WrongCredentials, SignInLocked, TooMany, Unavailable)
DOCUMENT: dict[int | str, dict[str, Any]] = {200: {"content": {documents.JSON: {}}}}
FEATURES: dict[int | str, dict[str, Any]] = {200: {"content": {documents.GEOJSON: {}}}}
SIGNED_IN = Depends(gis_call, scope="function")
Name = Annotated[str, Path(description="name of the collection")]
Code = Annotated[str, Path(description="grid code")]


@router.get("/", dependencies=[SIGNED_IN], include_in_schema=False)
@router.get(
    "",
    response_class=Response,
    dependencies=[SIGNED_IN],
    responses={**DOCUMENT, **problem_replies(*ALWAYS)},
)
def read_landing_page(request: Request) -> Response:
    """Where everything of this API is."""
    no_question(request)
    return _document(documents.landing_page(documents.root_of(request)))


@router.get(
    "/conformance",
    response_class=Response,
    dependencies=[SIGNED_IN],
    responses={**DOCUMENT, **problem_replies(*ALWAYS)},
)
def read_conformance(request: Request) -> Response:
    """The conformance classes that are kept."""
    no_question(request)
    return _document(documents.conformance())


@router.get(
    "/api",
    response_class=Response,
    responses={200: {"content": {documents.OPENAPI: {}}}, **problem_replies(*ALWAYS)},
)
def read_description(request: Request, call: GisReading) -> Response:
    """This API in OpenAPI 3.0, with the collections that the caller sees."""
    no_question(request)
    return _document(description(documents.root_of(request), visible_to(call.actor)), documents.OPENAPI)


@router.get("/collections", response_class=Response, responses={**DOCUMENT, **problem_replies(*ALWAYS)})
def read_collections(request: Request, call: GisReading) -> Response:
    """The collections that the caller sees."""
    no_question(request)
    bounds, since = _extent(call)
    return _document(documents.collections(documents.root_of(request), visible_to(call.actor), bounds, since))


@router.get(
    "/collections/{name}",
    response_class=Response,
    responses={**DOCUMENT, **problem_replies(*ALWAYS, NoSuchCollection)},
)
def read_collection(request: Request, call: GisReading, name: Name) -> Response:
    """One collection: extent, reference systems, links."""
    no_question(request)
    collection, _ = find(call.actor, name)
    return _document(documents.collection(documents.root_of(request), collection, *_extent(call)))


@router.get(
    "/collections/{name}/schema",
    response_class=Response,
    responses={200: {"content": {documents.SCHEMA: {}}}, **problem_replies(*ALWAYS, NoSuchCollection)},
)
def read_schema(request: Request, call: GisReading, name: Name) -> Response:
    """The properties of a collection's features as JSON Schema."""
    no_question(request)
    collection, _ = find(call.actor, name)
    return _document(documents.schema(documents.root_of(request), collection), documents.SCHEMA)


@router.get(
    "/collections/{name}/items",
    response_class=Response,
    responses={**FEATURES, **problem_replies(*ALWAYS, NoSuchCollection)},
)
def read_items(request: Request, call: GisReading, name: Name) -> Response:
    """Features of the caller's scope, a page at a time; parameters are described in /ogc/api."""
    collection, scope = find(call.actor, name)
    return items_reply(request, call, collection, scope, question_of(request, OF_ITEMS))


@router.get(
    "/collections/{name}/items/{code}",
    response_class=Response,
    responses={**FEATURES, **problem_replies(*ALWAYS, NoSuchCollection, NotFound, NotOnThatDay)},
)
def read_item(request: Request, call: GisReading, name: Name, code: Code) -> Response:
    """One feature."""
    collection, scope = find(call.actor, name)
    return feature_reply(request, call, collection, scope, question_of(request, OF_FEATURE), code=code)


def _extent(call: Call) -> tuple[BBox | None, date | None]:
    scope = scope_of(call.actor, Action.READ_GRIDS)
    return extent_of(call.session, scope, today()), beginning_of(call.session, scope)


def _document(content: documents.Document, media_type: str = documents.JSON) -> Response:
    return Response(msgspec.json.encode(content), media_type=media_type, headers=PRIVATE)
