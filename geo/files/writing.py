"""Grids as files of many kinds, which read_grid_file takes back without loss."""

import io
import tempfile
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from core.errors import FieldError, Invalid
from core.spreadsheets import Table, write_csv, write_workbook
from core.texts import encoding_to_write, wrong_encoding
from geo.datums import Datum, from_cgcs2000
from geo.files.columns import Spread, spread
from geo.files.exporting import ExportedGrid


class FileFormat(StrEnum):
    """What grids can be written as."""

    GEOJSON = "geojson"
    GPKG = "gpkg"
    SHP = "shp"
    KML = "kml"
    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class FileKind:
    """How a format is called outside."""

    suffix: str
    media_type: str


KINDS = {
    FileFormat.GEOJSON: FileKind(".geojson", "application/geo+json"),
    FileFormat.GPKG: FileKind(".gpkg", "application/geopackage+sqlite3"),
    FileFormat.SHP: FileKind(".zip", "application/zip"),
    FileFormat.KML: FileKind(".kml", "application/vnd.google-earth.kml+xml"),
    FileFormat.CSV: FileKind(".csv", "text/csv"),
    FileFormat.XLSX: FileKind(".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_HEADERS = ("网格编码", "网格名称", "级别", "上级网格编码", "类型", "户数")
_WIDTHS = (24, 24, 6, 24, 14, 8)
_LAYER = "grids"
_DBF_TEXT = 254  # bytes of a dBASE text
_DBF_NAME = 10  # bytes of a field's name
_MAX_CONTINUED = 60  # fields for what does not fit into one


def write_file(
    grids: Sequence[ExportedGrid], file_format: FileFormat, *, datum: str, encoding: str = "UTF-8"
) -> bytes:
    """The grids as one file, boundaries in the datum; `encoding` is that of Shapefile and CSV text.

    Excel holds no boundaries: read again, they stay. Raises: UnknownDatum, WrongEncoding, Invalid.
    """
    shapes = _in_datum(grids, datum)
    match file_format:
        case FileFormat.GEOJSON:
            return _geojson(grids, shapes, datum)
        case FileFormat.GPKG:
            return _geopackage(grids, shapes, datum)
        case FileFormat.SHP:
            return _shapefile(grids, shapes, datum, encoding_to_write(encoding))
        case FileFormat.KML:
            return _kml(grids, shapes, datum)
        case FileFormat.CSV:
            return _csv(grids, shapes, encoding)
        case FileFormat.XLSX:
            return _workbook(grids)


def _in_datum(grids: Sequence[ExportedGrid], datum: str) -> NDArray[np.object_]:
    def moved(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(from_cgcs2000(xy[:, 0], xy[:, 1], datum))

    from_cgcs2000(np.empty(0), np.empty(0), datum)  # an unknown one is refused even for no grids
    wkb = np.empty(len(grids), dtype=object)
    wkb[:] = [grid.wkb for grid in grids]
    shapes = shapely.from_wkb(wkb)
    return np.asarray(shapely.transform(shapes, moved) if len(grids) else shapes, dtype=object)


def _crs(datum: str) -> str | None:
    """What a GIS program is told; GCJ-02 and BD-09 have no name that it would know."""
    return None if datum in {Datum.GCJ02, Datum.BD09} else datum


# ------------------------------------------------------------------------------------------- GeoJSON


def _geojson(grids: Sequence[ExportedGrid], shapes: NDArray[np.object_], datum: str) -> bytes:
    """RFC 7946; the crs member of its predecessor where the numbers are not degrees."""
    head: dict[str, Any] = {"type": "FeatureCollection"}
    if datum not in set(Datum):
        head["crs"] = {"type": "name", "properties": {"name": _urn(datum)}}
    texts = shapely.to_geojson(shapes)
    features = (
        msgspec.json.encode(
            {
                "type": "Feature",
                "id": grid.code,
                "properties": {**grid.attributes, **_own(grid)},
                "geometry": None if text is None else msgspec.Raw(text.encode()),
            }
        )
        for grid, text in zip(grids, texts, strict=True)
    )
    start = msgspec.json.encode(head).removesuffix(b"}")
    return b"".join([start, b',"features":[\n', b",\n".join(features), b"\n]}\n"])


def _urn(datum: str) -> str:
    return datum.replace("EPSG:", "urn:ogc:def:crs:EPSG::") if datum.startswith("EPSG:") else datum


def _own(grid: ExportedGrid) -> dict[str, Any]:
    return {
        "code": grid.code,
        "name": grid.name,
        "level": grid.level,
        "parent": grid.parent,
        "kind": grid.kind,
        "households": grid.households,
    }


# --------------------------------------------------------------------------------------------- GDAL


def _geopackage(grids: Sequence[ExportedGrid], shapes: NDArray[np.object_], datum: str) -> bytes:
    found = spread([grid.attributes for grid in grids], fits=lambda _name, _values: True)
    columns = _own_columns(grids) | _attribute_columns(found)
    return _by_gdal("GPKG", ".gpkg", shapes, columns, _crs(datum))[".gpkg"]


def _kml(grids: Sequence[ExportedGrid], shapes: NDArray[np.object_], datum: str) -> bytes:
    """KML knows degrees of WGS 84 only; shifted ones are for viewers with a shifted base map."""
    if datum not in set(Datum):
        detail = "KML 只有经纬度 / KML has degrees only: EPSG:4490, EPSG:4326, GCJ02 or BD09"
        raise Invalid(detail, errors=[FieldError("/query/datum", "datum-not-degrees", detail)])
    found = spread([grid.attributes for grid in grids], fits=lambda _name, _values: True)
    columns = _own_columns(grids) | _attribute_columns(found)
    return _by_gdal("LIBKML", ".kml", shapes, columns, "EPSG:4326")[".kml"]


def _shapefile(grids: Sequence[ExportedGrid], shapes: NDArray[np.object_], datum: str, codec: str) -> bytes:
    """Zipped, with .cpg and .prj; long texts go on in further fields: attrs, attrs_2 …"""

    def fits(name: str, values: Collection[str]) -> bool:
        return len(_bytes(name, codec)) <= _DBF_NAME and all(
            len(_bytes(value, codec)) <= _DBF_TEXT for value in values
        )

    found = spread([grid.attributes for grid in grids], fits=_if_encodable(fits))
    columns = _own_columns(grids)
    names = columns.pop("name")
    columns |= _continued("name", names, codec)
    columns |= {name: list(texts) for name, texts in zip(found.names, found.texts, strict=True)}
    columns |= _continued("attrs", [_ascii(text) for text in found.rest], codec)
    parts = _by_gdal("ESRI Shapefile", ".shp", shapes, columns, _crs(datum), encoding=_cpg(codec))
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix, part in parts.items():
            archive.writestr(f"{_LAYER}{suffix}", part)
    return body.getvalue()


def _cpg(codec: str) -> str:
    return {"latin-1": "ISO-8859-1"}.get(codec, codec.upper())


def _ascii(text: str | None) -> str | None:
    """The same JSON in ASCII and without spaces, which dBASE strips at both ends of a field."""
    if text is None:
        return None
    return "".join(sign if " " < sign < "\x7f" else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    units = sign.encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _bytes(text: str, codec: str) -> bytes:
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        detail = f"{codec} 中没有字符 {letter!r}，请用 UTF-8 / {codec} has no character {letter!r}: use UTF-8"
        raise wrong_encoding(detail) from None


def _if_encodable(fits: Any) -> Any:
    """An attribute that the encoding cannot hold goes into the JSON text."""

    def checked(name: str, values: Collection[str]) -> bool:
        try:
            return bool(fits(name, values))
        except Invalid:
            return False

    return checked


def _continued(field: str, texts: Sequence[str | None], codec: str) -> dict[str, list[str | None]]:
    """Fields that hold the texts piece by piece."""
    pieces = [list(_pieces(text, codec)) for text in texts]
    most = max((len(one) for one in pieces), default=1) or 1
    if most > _MAX_CONTINUED:
        detail = "属性太长，Shapefile 放不下，请用 GeoPackage / attributes too long for a Shapefile: use gpkg"
        raise Invalid(detail, errors=[FieldError("/query/format", "text-too-long", detail)])
    columns = [[one[i] if i < len(one) else None for one in pieces] for i in range(most)]
    return {f"{field}_{i}" if i > 1 else field: column for i, column in enumerate(columns, 1)}


def _pieces(text: str | None, codec: str) -> Iterator[str]:
    """Up to 254 bytes each, never ending or beginning with a space."""
    rest = text or ""
    while rest:
        end = len(rest)
        while len(_bytes(rest[:end], codec)) > _DBF_TEXT:
            end = min(end - 1, _DBF_TEXT) if end > _DBF_TEXT else end - 1
        while 0 < end < len(rest) and (rest[end] == " " or rest[end - 1] == " "):
            end -= 1
        yield rest[:end]
        rest = rest[end:]


def _own_columns(grids: Sequence[ExportedGrid]) -> dict[str, list[Any]]:
    rows = [_own(grid) for grid in grids]
    return {name: [row[name] for row in rows] for name in _NAMES}


_NAMES = ("code", "name", "level", "parent", "kind", "households")
_NUMBERS = frozenset({"level", "households"})


def _attribute_columns(found: Spread) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = dict(zip(found.names, found.texts, strict=True))
    return columns | {"attributes": found.rest}


def _by_gdal(
    driver: str,
    suffix: str,
    shapes: NDArray[np.object_],
    columns: dict[str, list[Any]],
    crs: str | None,
    *,
    encoding: str | None = None,
) -> dict[str, bytes]:
    """The files that GDAL makes of the columns, by suffix."""
    from pyogrio.raw import write

    data, masks = [], []
    for name, values in columns.items():
        masks.append(np.array([value is None for value in values], dtype=bool))
        if name in _NUMBERS:
            data.append(np.array([value or 0 for value in values], dtype=np.int32))
        else:
            data.append(np.array(values, dtype=object))
    with tempfile.TemporaryDirectory(prefix="xunge-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no CRS, for GCJ-02
        write(
            str(Path(folder, _LAYER + suffix)),
            shapely.to_wkb(shapes),
            data,
            fields=list(columns),
            field_mask=masks,
            geometry_type="MultiPolygon",
            crs=crs,
            driver=driver,
            layer=_LAYER,
            encoding=encoding,
        )
        return {one.suffix: one.read_bytes() for one in sorted(Path(folder).iterdir())}


# -------------------------------------------------------------------------------------------- tables


def _rows(grids: Sequence[ExportedGrid]) -> tuple[tuple[str, ...], list[list[Any]]]:
    found = spread([grid.attributes for grid in grids], fits=lambda _name, _values: True)
    rows = []
    for index, grid in enumerate(grids):
        texts = [column[index] for column in found.texts]
        rows.append([*_own(grid).values(), *texts, found.rest[index]])
    return (*_HEADERS, *found.names, "其他属性"), rows


def _csv(grids: Sequence[ExportedGrid], shapes: NDArray[np.object_], encoding: str) -> bytes:
    headers, rows = _rows(grids)
    wkt = shapely.to_wkt(shapes, rounding_precision=-1)
    lines = ([*row, text] for row, text in zip(rows, wkt, strict=True))
    return write_csv((*headers, "WKT"), lines, encoding=encoding)


def _workbook(grids: Sequence[ExportedGrid]) -> bytes:
    headers, rows = _rows(grids)
    return write_workbook([Table("网格", headers, rows, _WIDTHS)])
