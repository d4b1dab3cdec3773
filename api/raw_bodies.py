"""Bodies of phones taken as they came: what cannot be read is kept as it was sent."""

from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel

from core.errors import TooLarge

MAX_BODY_BYTES = 128 * 1024


async def raw_body(request: Request) -> bytes:
    """Raises: TooLarge."""
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        told = f"最多 {MAX_BODY_BYTES // 1024} KiB / at most {MAX_BODY_BYTES // 1024} KiB are accepted here"
        raise TooLarge(told, limit_bytes=MAX_BODY_BYTES)
    return body


# Named before the call in each handler: no connection waits for a slow network.
RawBody = Annotated[bytes, Depends(raw_body)]


def body_of(kind: type[BaseModel]) -> dict[str, Any]:
    """For a route's `openapi_extra=`: the schema in one piece, for references would point outside."""
    schema = kind.model_json_schema()
    parts = schema.pop("$defs", {})
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _resolved(schema, parts)}},
        }
    }


def _resolved(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _resolved(parts[node["$ref"].rpartition("/")[2]], parts)
        return {name: _resolved(value, parts) for name, value in node.items()}
    return [_resolved(one, parts) for one in node] if isinstance(node, list) else node
