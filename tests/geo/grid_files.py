"""Grid files of every kind, made in the test: what GDAL, zipfile and people produce."""

import io
import json
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyogrio.raw import write

from tests.geo.street_file import Feature

SUFFIXES = {"GPKG": ".gpkg", "LIBKML": ".kml", "ESRI Shapefile": ".shp"}
FIELDS = ("code", "name", "level", "parent", "kind", "households", "id")


def records(features: Sequence[Feature]) -> list[dict[str, Any]]:
    return [{**one["properties"], "id": one.get("id")} for one in features]


def shapes(features: Sequence[Feature]) -> list[bytes | None]:
    return [
        None if one["geometry"] is None else shapely.to_wkb(shapely.from_geojson(json.dumps(one["geometry"])))
        for one in features
    ]


def written(
    features: Sequence[Feature],
    driver: str,
    *,
    crs: str | None = "EPSG:4490",
    encoding: str | None = None,
    names: Mapping[str, str] | None = None,
    layer: str = "网格",
    wkb: Sequence[bytes | None] | None = None,
    geometry_type: str = "Unknown",
) -> dict[str, bytes]:
    """The files that GDAL writes, by suffix; `names` renames fields."""
    rows, names = records(features), names or {}
    fields = sorted({name for row in rows for name in row}, key=lambda name: (name not in FIELDS, name))
    columns = [np.array([_text(row.get(name)) for row in rows], dtype=object) for name in fields]
    geometry = np.empty(len(rows), dtype=object)
    geometry[:] = shapes(features) if wkb is None else wkb
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, f"{layer}{SUFFIXES[driver]}")
        write(
            str(path),
            geometry,
            columns,
            fields=[names.get(name, name) for name in fields],
            geometry_type="Polygon" if driver == "ESRI Shapefile" else geometry_type,
            crs=crs,
            driver=driver,
            layer=layer,
            encoding=encoding,
        )
        return {one.suffix: one.read_bytes() for one in sorted(Path(folder).iterdir())}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def zipped(parts: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return body.getvalue()


def shapefile(features: Sequence[Feature], *, without: Sequence[str] = (), **how: Any) -> bytes:
    """A zipped Shapefile."""
    parts = written(features, "ESRI Shapefile", **how)
    return zipped({f"网格{suffix}": part for suffix, part in parts.items() if suffix not in without})


def geopackage(features: Sequence[Feature], **how: Any) -> bytes:
    return written(features, "GPKG", **how)[".gpkg"]


def kml(features: Sequence[Feature]) -> bytes:
    return written(features, "LIBKML", crs="EPSG:4326")[".kml"]


def curved_polygon() -> bytes:
    """WKB of a curve polygon with one arc, as a GeoPackage may hold it."""
    points = [(118.90, 32.10), (118.904, 32.104), (118.908, 32.10), (118.904, 32.096), (118.90, 32.10)]
    ring = struct.pack("<BII", 1, 8, len(points)) + b"".join(struct.pack("<2d", *point) for point in points)
    return struct.pack("<BII", 1, 10, 1) + ring
