"""The documents of /ogc around the features: landing page, conformance, collections, schemas, links."""

from datetime import date
from typing import Any

from fastapi import Request

from api.ogc.collections import Collection
from geo.collections import Property
from geo.queries import BBox
from geo.reference_systems import CRS84, STORED, SYSTEMS

JSON, GEOJSON, SCHEMA = "application/json", "application/geo+json", "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
# Only what tests hold: part 1 core, GeoJSON and OpenAPI 3.0; part 2.
CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)

Document = dict[str, Any]


def root_of(request: Request) -> str:
    """The address of the landing page as the client knows it."""
    return f"{request.base_url}ogc"


def link(href: str, rel: str, media_type: str, title: str) -> Document:
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def landing_page(root: str) -> Document:
    return {
        "title": "Xunge 巡格",
        "description": "网格与巡查达标 / grids and how their patrols stand",
        "links": [
            link(root, "self", JSON, "this document"),
            link(f"{root}/api", "service-desc", OPENAPI, "the API in OpenAPI 3.0"),
            link(f"{root}/conformance", "conformance", JSON, "what of the standard is kept"),
            link(f"{root}/collections", "data", JSON, "the collections"),
        ],
    }


def conformance() -> Document:
    return {"conformsTo": list(CONFORMS_TO)}


def collections(root: str, found: list[Collection], bounds: BBox | None, since: date | None) -> Document:
    return {
        "links": [link(f"{root}/collections", "self", JSON, "this document")],
        "collections": [collection(root, one, bounds, since) for one in found],
    }


def collection(root: str, one: Collection, bounds: BBox | None, since: date | None) -> Document:
    here = f"{root}/collections/{one.name}"
    spatial = {"spatial": {"bbox": [list(bounds)], "crs": CRS84.uri}} if bounds else {}
    return {
        "id": one.name,
        "title": one.title,
        "description": one.description,
        "itemType": "feature",
        "extent": {**spatial, "temporal": {"interval": [[_midnight(since), None]]}},
        "crs": list(SYSTEMS),
        "storageCrs": STORED.uri,
        "links": [
            link(here, "self", JSON, "this document"),
            link(f"{here}/items", "items", GEOJSON, one.title),
            link(f"{here}/schema", "describedby", SCHEMA, "the properties of a feature"),
        ],
    }


def schema(root: str, one: Collection) -> Document:
    """JSON Schema of a feature, so that clients need not guess types from a page of nulls.

    A property that is not required is null in some features. Its type does not say so, as in part 5 of the
    standard: GDAL would take a list of types for text.
    """
    text = {"type": "string"}
    shape = {"oneOf": [{"type": "null"}, {"$ref": "https://geojson.org/schema/MultiPolygon.json"}]}
    properties = {
        "type": "object",
        "required": [each.name for each in one.source.properties if not each.is_optional],
        "properties": {each.name: _described(each) for each in one.source.properties},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{root}/collections/{one.name}/schema",
        "title": one.title,
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {"type": {"const": "Feature"}, "id": text, "geometry": shape, "properties": properties},
    }


def _described(each: Property) -> Document:
    form = {} if each.json_format is None else {"format": each.json_format}
    return {"type": each.json_type, "title": each.meaning, **form}


def _midnight(day: date | None) -> str | None:
    """The moment at which a day begins; an extent holds moments."""
    return None if day is None else f"{day}T00:00:00+08:00"
