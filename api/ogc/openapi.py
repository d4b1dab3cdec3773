"""What /ogc is, in OpenAPI 3.0 as part 1 wants it; GDAL finds there which properties it may filter by.

Written apart from the product's own description, which is OpenAPI 3.1 and has the collections as a parameter.
"""

from typing import Any

from api.ogc.collections import Collection
from api.ogc.documents import GEOJSON, JSON, OPENAPI, SCHEMA, Document
from api.ogc.query import DEFAULT_LIMIT, MAX_LIMIT
from api.problems import MEDIA_TYPE, PROBLEM_SCHEMA
from geo.reference_systems import CRS84, SYSTEMS

_REFUSALS = {
    "400": "A parameter that is unknown here or not valid.",
    "401": "Nobody known is asking.",
    "404": "There is no such thing, or you may not see it.",
    "429": "Asked too often.",
    "503": "A part of the service is down.",
}


def description(root: str, found: list[Collection]) -> Document:
    """The whole API with these collections."""
    paths: Document = {
        "/": _reading("getLandingPage", "landing page", JSON),
        "/conformance": _reading("getConformance", "conformance classes", JSON),
        "/api": _reading("getDescription", "this document", OPENAPI),
        "/collections": _reading("getCollections", "collections", JSON),
    }
    for one in found:
        paths |= _of_collection(one)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Xunge 巡格: OGC API - Features", "version": "1.0.0"},
        "servers": [{"url": root}],
        "security": [{"password": []}, {"token": []}],
        "paths": paths,
        "components": {
            "parameters": _parameters(),
            "responses": {f"refused{status}": _refusal(status) for status in _REFUSALS},
            "schemas": {"problem": PROBLEM_SCHEMA},
            "securitySchemes": {
                "password": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _of_collection(one: Collection) -> Document:
    here, key = f"/collections/{one.name}", one.name.replace("-", "_")
    shared = ("limit", "bbox", "bbox-crs", "datetime", "crs", "after")
    of_items = [*({"$ref": f"#/components/parameters/{name}"} for name in shared), *_equalities(one)]
    of_item = [
        _parameter("code", "id of the feature: the grid code", {"type": "string"}, place="path"),
        *({"$ref": f"#/components/parameters/{name}"} for name in ("crs", "datetime")),
    ]
    return {
        here: _reading(f"describe_{key}", one.title, JSON),
        f"{here}/schema": _reading(f"schema_{key}", "properties of a feature", SCHEMA),
        f"{here}/items": _reading(f"items_{key}", "features", GEOJSON, of_items),
        f"{here}/items/{{code}}": _reading(f"item_{key}", "a feature", GEOJSON, of_item),
    }


def _equalities(one: Collection) -> list[Document]:
    """Each property that features may be chosen by."""
    level = {"type": "integer", "enum": list(one.levels)}
    texts = {
        "parent": "code of the grid above",
        "code": "grid code",
        "name": "name, whole",
        "kind": "kind of grid, like residential",
    }
    return [
        _parameter("level", "level of the grid", level),
        *(_parameter(name, meaning, {"type": "string"}) for name, meaning in texts.items()),
    ]


def _reading(
    operation: str, summary: str, media_type: str, parameters: list[Document] | None = None
) -> Document:
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": [*(parameters or []), {"$ref": "#/components/parameters/f"}],
            "responses": {
                "200": {"description": summary, "content": {media_type: {"schema": {"type": "object"}}}},
                **{status: {"$ref": f"#/components/responses/refused{status}"} for status in _REFUSALS},
            },
        }
    }


def _refusal(status: str) -> Document:
    schema = {"$ref": "#/components/schemas/problem"}
    return {"description": _REFUSALS[status], "content": {MEDIA_TYPE: {"schema": schema}}}


def _parameter(name: str, meaning: str, schema: Document, *, place: str = "query") -> Document:
    style: dict[str, Any] = {"style": "form", "explode": False} if place == "query" else {}
    return {
        "name": name,
        "in": place,
        "description": meaning,
        "required": place == "path",
        "schema": schema,
        **style,
    }


def _parameters() -> Document:
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    corners = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    system = {"type": "string", "format": "uri", "enum": list(SYSTEMS), "default": CRS84.uri}
    text = {"type": "string"}
    made = (
        _parameter("limit", "features on a page", limit),
        _parameter("bbox", "features that touch this box, in the axis order of bbox-crs", corners),
        _parameter("bbox-crs", "reference system of bbox", system),
        _parameter("crs", "reference system of the reply", system),
        _parameter("datetime", "RFC 3339 moment, day or interval; today if not given", text),
        _parameter("after", "where the page begins; comes with the link next", text),
        _parameter("f", "encoding", {"type": "string", "enum": ["json"]}),
    )
    return {one["name"]: one for one in made}
