"""GDAL's side of reading: one layer of a file as plain columns, in a process of its own (core/apart.py).

All drivers but three are switched off in that process: none that opens addresses, other files or programs is
there to be found by a file's content.
"""

import sqlite3
import struct
import warnings
from pathlib import Path
from typing import Any

MAX_FEATURES = 300_000

# Every other vector driver of the pyogrio wheel; a test compares, so that a new one does not slip in.
DRIVERS_OFF = (
    *("ADBC", "AIVector", "AVCBin", "AVCE00", "AmigoCloud", "CSV", "CSW", "Carto", "DGN", "DXF", "EDIGEO"),
    *(
        "EEDA",
        "ESRIJSON",
        "Elasticsearch",
        "FlatGeobuf",
        "GDALG",
        "GML",
        "GPSBabel",
        "GPX",
        "GTFS",
        "GeoJSON",
    ),
    *("GeoJSONSeq", "GeoRSS", "HTTP", "Idrisi", "JML", "JSONFG", "KML", "LVBAG", "MBTiles", "MVT"),
    *("MapInfo File", "MapML", "MiraMonVector", "NGW", "OAPIF", "ODS", "OGCAPI", "OGR_GMT", "OGR_PDS"),
    *("OGR_VRT", "OSM", "OpenFileGDB", "PCIDSK", "PDF", "PDS4", "PGDUMP", "PLSCENES", "PMTiles", "S57"),
    *("SQLite", "SXF", "Selafin", "TopoJSON", "VDV", "VFK", "VICAR", "WAsP", "WFS", "XLSX"),
)
ENVIRONMENT = {
    "GDAL_SKIP": ",".join(DRIVERS_OFF),
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_NUM_THREADS": "1",
    "PROJ_NETWORK": "OFF",
}

UNREADABLE_CRS = "?"
_CURVES = range(8, 18)  # OGC geometry types CircularString to Triangle
_MEASURED = (2, 3)  # thousands of ISO types with M, with Z and M
_HEAD_BYTES = 128  # GeoPackage header, envelope and the first bytes of the WKB
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)


class _Refused(Exception):
    """The file, or this layer of it, is not to be read."""

    def __init__(self, reason: str, zh: str, en: str, layers: list[str] | None = None) -> None:
        super().__init__(reason)
        self.answer = {"fault": [reason, zh, en], "layers": layers or []}


def drivers(_request: Any) -> list[str]:
    """Names of the drivers there are."""
    import pyogrio

    return sorted(pyogrio.list_drivers())


def read_layer(request: dict[str, Any]) -> dict[str, Any]:
    """The layer as {layer, crs, fields, columns, fids, wkb, curved}, or {fault, layers}."""
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

    path, layer = str(request["path"]), request["layer"]
    try:
        tables = _sqlite_tables(path) if path.endswith(".gpkg") else None
        layer = _chosen_layer(path, layer, tables)
        kinds = _geometry_kinds(path, layer) if tables is not None else {}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            columns = _columns(path, layer, request["encoding"])
        curved = [key for key, kind in kinds.items() if kind % 1000 in _CURVES]
        measured = any("Measured" in str(one.message) for one in told) or any(
            kind // 1000 in _MEASURED for kind in kinds.values()
        )
        return {**columns, "layer": layer, "curved": curved, "measured": measured}
    except _Refused as refused:
        return refused.answer
    except (DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError, ValueError):
        return _Refused("file-damaged", "文件已损坏或不完整", "the file is damaged or truncated").answer
    except sqlite3.DatabaseError:
        return _Refused("file-damaged", "GeoPackage 已损坏", "the GeoPackage is damaged").answer


def _chosen_layer(path: str, wanted: str | None, tables: set[str] | None) -> str:
    import pyogrio

    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    if tables is not None and not set(layers) <= tables:
        # A view may call functions that open other files or addresses.
        layers = [name for name in layers if name in tables]
    if not layers:
        raise _Refused("no-layer", "文件中没有图层", "the file holds no layer")
    if wanted is not None and wanted not in layers:
        raise _Refused("layer-unknown", f"没有图层 {wanted}", f"there is no layer {wanted}", layers)
    if wanted is None and len(layers) > 1:
        zh, en = f"有多个图层，请选定：{'、'.join(layers)}", f"choose a layer: {', '.join(layers)}"
        raise _Refused("several-layers", zh, en, layers)
    return wanted or layers[0]


def _columns(path: str, layer: str, encoding: str | None) -> dict[str, Any]:
    from pyogrio.errors import CRSError
    from pyogrio.raw import read

    how = {"layer": layer, "encoding": encoding, "max_features": MAX_FEATURES + 1}
    try:
        meta, fids, wkb, data = read(path, return_fids=True, datetime_as_string=True, **how)
    except CRSError:  # of a .prj that nobody understands: the request names the datum anyway
        Path(path).with_suffix(".prj").unlink()
        meta, fids, wkb, data = read(path, return_fids=True, datetime_as_string=True, **how)
        meta["crs"] = UNREADABLE_CRS
    if len(fids) > MAX_FEATURES:
        zh, en = f"要素超过 {MAX_FEATURES} 个", f"more than {MAX_FEATURES} features"
        raise _Refused("too-many-features", zh, en)
    kinds = zip(data, meta["dtypes"], meta["ogr_types"], meta["ogr_subtypes"], strict=True)
    return {
        "crs": meta["crs"],
        "fields": [str(name) for name in meta["fields"]],
        "columns": [_plain(column, str(kind), ogr, subtype) for column, kind, ogr, subtype in kinds],
        "fids": fids.tolist(),
        "wkb": [None] * len(fids) if wkb is None else wkb.tolist(),
    }


def _plain(column: Any, kind: str, ogr: str, subtype: str) -> list[Any]:
    """Values as declared: an integer column with blanks arrives as floats with NaN."""
    values = column.tolist()
    if ogr in {"OFTInteger", "OFTInteger64"}:
        as_declared = bool if subtype == "OFSTBoolean" else int
        return [None if value is None or value != value else as_declared(value) for value in values]
    if ogr == "OFTReal" or kind.startswith("float"):
        return [None if value is None or value != value else float(value) for value in values]
    return [value if isinstance(value, str) and value != "" else None for value in values]


# -------------------------------------------------------------------------------------- GeoPackage


def _database(path: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{Path(path).as_uri()}?mode=ro&immutable=1", uri=True)


def _sqlite_tables(path: str) -> set[str]:
    """Real tables, without views, virtual tables and tables with computed columns."""
    database = _database(path)
    try:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_contents'").fetchone():
            raise _Refused("no-layer", "不是 GeoPackage", "this is no GeoPackage")
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    finally:
        database.close()
    return {
        name
        for name, sql in rows
        if isinstance(sql, str) and "VIRTUAL" not in sql[:30].upper() and "GENERATED" not in sql.upper()
    }


def _geometry_kinds(path: str, layer: str) -> dict[int, int]:
    """The WKB type of each feature: GDAL answers arcs with straight pieces and drops measures, silently."""
    database = _database(path)
    try:
        found = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", [layer]
        ).fetchone()
        if found is None:
            return {}
        column = str(found[0]).replace('"', '""')
        table = layer.replace('"', '""')
        heads = database.execute(f'SELECT rowid, substr("{column}", 1, {_HEAD_BYTES}) FROM "{table}"')
        return {key: _wkb_kind(head) for key, head in heads if isinstance(head, bytes)}
    finally:
        database.close()


def _wkb_kind(head: bytes) -> int:
    """GeoPackage 1.3, 2.1.3: "GP", version, flags, SRS, envelope, then WKB."""
    if len(head) < 8 or head[:2] != b"GP":
        return 0
    envelope = (head[3] >> 1) & 7
    start = 8 + (_ENVELOPE_BYTES[envelope] if envelope < len(_ENVELOPE_BYTES) else 0)
    if len(head) < start + 5:
        return 0
    order = "<" if head[start] else ">"
    (kind,) = struct.unpack_from(f"{order}I", head, start + 1)
    return int(kind & 0x0FFFFFFF)
