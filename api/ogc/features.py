"""Pages of features and single features of /ogc, as GeoJSON."""

import msgspec
from fastapi import Request, Response

from access.scope import Scope
from api.dependencies import Call
from api.ogc.collections import WEEK_TEXT, Collection
from api.ogc.documents import GEOJSON, JSON, Document, link, root_of
from api.ogc.query import Question
from core.clock import now
from geo.collections import FeaturePage, read_feature, read_features
from geo.queries import why_missing
from geo.reference_systems import ReferenceSystem
from patrol.layers import WEEK

# The caller's scope decides what is in a reply: nobody in between may keep it.
PRIVATE = {"Cache-Control": "private, no-store", "Vary": "Authorization"}


def items_reply(
    request: Request, call: Call, collection: Collection, scope: Scope, asked: Question
) -> Response:
    """A page of features: each as the database wrote it, joined once."""
    page = read_features(
        call.session,
        scope,
        collection.source,
        asked.filter_on(collection.levels),
        parameters=_parameters(collection, asked),
        system=asked.system,
        after=asked.after,
        limit=asked.limit,
    )
    around = {
        "type": "FeatureCollection",
        "timeStamp": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        **({} if page.matched is None else {"numberMatched": page.matched}),
        "numberReturned": len(page.features),
        "links": _page_links(request, collection, page),
    }
    head = msgspec.json.encode(around).decode()
    body = f'{head[:-1]},"features":[{",".join(page.features)}]}}'
    return _geojson(body, asked.system)


def feature_reply(
    request: Request, call: Call, collection: Collection, scope: Scope, asked: Question, *, code: str
) -> Response:
    """One feature. Raises: NotFound, NotOnThatDay."""
    wanted = asked.filter_on(collection.levels, code=code)
    parameters = _parameters(collection, asked)
    feature = read_feature(
        call.session, scope, collection.source, wanted, parameters=parameters, system=asked.system
    )
    if feature is None:
        raise why_missing(call.session, scope, code, collection.levels)
    root = root_of(request)
    links = [
        link(str(request.url), "self", GEOJSON, "this document"),
        link(f"{root}/collections/{collection.name}", "collection", JSON, collection.title),
    ]
    return _geojson(f'{feature[:-1]},"links":{msgspec.json.encode(links).decode()}}}', asked.system)


def _parameters(collection: Collection, asked: Question) -> dict[str, object]:
    given = {WEEK: asked.week.monday, WEEK_TEXT: str(asked.week)}
    return {name: given[name] for name in collection.source.parameters}


def _page_links(request: Request, collection: Collection, page: FeaturePage) -> list[Document]:
    links = [
        link(str(request.url), "self", GEOJSON, "this page"),
        link(f"{root_of(request)}/collections/{collection.name}", "collection", JSON, collection.title),
    ]
    if page.next_after is not None:
        # Behind the last code instead of after so many: pages neither repeat nor skip while grids change.
        following = str(request.url.include_query_params(after=page.next_after))
        links.append(link(following, "next", GEOJSON, "the next page"))
    return links


def _geojson(body: str, system: ReferenceSystem) -> Response:
    headers = {**PRIVATE, "Content-Crs": f"<{system.uri}>"}
    return Response(body.encode(), media_type=GEOJSON, headers=headers)
