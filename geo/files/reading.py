"""Read grids from any kind of file that offices send, as GeoJSON-like features for geojson.read_drafts.

GeoJSON has a fast reader of its own; GDAL reads GeoPackage, zipped Shapefile and KML in a process of its own;
tables (Excel, CSV) change what is said of grids that stand and leave their shapes alone.
"""

import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from core.apart import Apart, Limits, TookTooLong, run_apart
from core.spreadsheets import is_table
from geo.codes import Reason
from geo.files.archive import Archive, Member
from geo.files.faults import unreadable
from geo.files.geojson import CURVED, FAULT, FieldFault, read_features
from geo.files.layers import ENVIRONMENT
from geo.files.mapping import ID, KML_STYLE, checked_mapping, fields_of_properties, joined, properties_of
from geo.files.shapefile import Shapefile, decode_texts
from geo.files.tables import read_table

_LIMITS = Limits(memory_mib=3072, seconds=60, result_mib=1024)
_JSON = (".json", ".geojson")
_ACCEPTED = ".geojson .json .gpkg .zip (Shapefile) .kml .kmz .csv .xlsx"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is said of a file that it does not say itself."""

    layer: str | None = None  # or sheet, when there are several
    encoding: str | None = None  # of Shapefile and CSV text
    mapping: Mapping[str, str] = field(default_factory=dict)  # property of a grid: field of the file


class GridFile(NamedTuple):
    """What a file holds: records for read_drafts, the coordinate system it names for itself, and hints."""

    features: list[Any]
    named_datum: str | None
    notes: list[Reason]


def read_grid_file(body: bytes, file_name: str, options: ReadOptions = ReadOptions()) -> GridFile:
    """The records of a grid file, told apart by name and content.

    Records of tables are finished by geo.files.tables.completed. Raises: UnreadableFile, UnreadableTable,
    WrongEncoding.
    """
    checked_mapping(options.mapping)
    name = file_name.lower()
    if not body:
        raise unreadable("file-empty", "文件是空的", "the file is empty")
    if body.startswith(b"SQLite format 3\0"):
        return _from_gdal({"grids.gpkg": body}, options)
    if is_table(name):
        features, notes = read_table(
            body,
            file_name,
            sheet_name=options.layer,
            encoding=options.encoding,
            mapping=options.mapping,
        )
        return GridFile(features, None, notes)
    if body.startswith(b"PK") and not name.endswith(_JSON):
        return _from_archive(Archive(body), options)
    if name.endswith((".gpkg", ".zip", ".kmz")):
        raise unreadable("file-damaged", "文件已损坏或不完整", "the file is damaged or truncated")
    if name.endswith(".kml") or b"<kml" in body[:2000]:
        return _from_gdal({"grids.kml": body}, options)
    if name.endswith((".shp", ".dbf", ".shx")):
        zh, en = (
            "请将 .shp、.shx、.dbf、.prj、.cpg 压缩为一个 .zip",
            "zip .shp, .shx, .dbf, .prj and .cpg together",
        )
        raise unreadable("shapefile-not-zipped", zh, en)
    if name.endswith(_JSON) or body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return _from_geojson(body, options)
    raise unreadable("file-kind", f"应为 {_ACCEPTED}", f"one of these is needed: {_ACCEPTED}")


# ------------------------------------------------------------------------------------------- GeoJSON


def _from_geojson(body: bytes, options: ReadOptions) -> GridFile:
    """GeoJSON as it is; other names of properties are only looked for where they may be needed."""
    features, named_datum = read_features(body)
    names: dict[str, None] = {}
    for one in features:
        if isinstance(one, dict) and isinstance(one.get("properties"), dict):
            names.update(dict.fromkeys(one["properties"]))
    if not options.mapping and {"name", "level"} <= names.keys():
        return GridFile(features, named_datum, [])
    targets, notes = fields_of_properties(names, options.mapping)
    if all(name == target for name, target in targets.items()):
        return GridFile(features, named_datum, notes)
    return GridFile([_renamed(one, targets) for one in features], named_datum, notes)


def _renamed(feature: Any, targets: Mapping[str, str]) -> Any:
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        return feature
    return _with_properties(dict(feature), feature["properties"], targets)


def _with_properties(
    feature: dict[str, Any], values: Mapping[str, Any], targets: Mapping[str, str]
) -> dict[str, Any]:
    """The feature with the grid's properties, or with the fault that keeps them from being read."""
    try:
        feature["properties"] = properties_of(values, targets)
    except FieldFault as fault:
        feature.update({"properties": {}, FAULT: fault})
    return feature


# ------------------------------------------------------------------------------------------ archives


def _from_archive(archive: Archive, options: ReadOptions) -> GridFile:
    """A zipped Shapefile, or KML in its zipped form."""
    shapefiles = [member for member in archive.members if member.suffix == ".shp"]
    if shapefiles:
        return _from_shapefile(Shapefile(archive, _chosen(shapefiles, options.layer)), options)
    for suffix, name in ((".kml", "grids.kml"), (".gpkg", "grids.gpkg")):
        if found := next((one for one in archive.members if one.suffix == suffix), None):
            return _from_gdal({name: archive.read(found)}, options)
    for member in archive.members:
        if member.suffix in _JSON:
            return _from_geojson(archive.read(member), options)
    zh, en = "压缩包内没有 Shapefile 或 KML", "there is no Shapefile and no KML in the archive"
    raise unreadable("no-layer", zh, en)


def _chosen(members: Sequence[Member], layer: str | None) -> Member:
    names = [member.stem for member in members]
    if layer is None and len(members) == 1:
        return members[0]
    if layer is None:
        zh, en = f"有多个图层，请选定：{'、'.join(names)}", f"choose a layer: {', '.join(names)}"
        raise unreadable("several-layers", zh, en, pointer="/layer", layers=names)
    if layer not in names:
        zh, en = f"没有图层 {layer[:40]}", f"there is no layer {layer[:40]}"
        raise unreadable("layer-unknown", zh, en, pointer="/layer", layers=names)
    return members[names.index(layer)]


def _from_shapefile(shapefile: Shapefile, options: ReadOptions) -> GridFile:
    """Text is read byte by byte and decoded here, where a wrong encoding cannot go unseen."""
    found = _read_apart(shapefile.parts, None, "ISO-8859-1")
    notes = decode_texts(found, shapefile.encoding(options.encoding))
    made = _features(found, options)
    return GridFile(made.features, made.named_datum, [*notes, *made.notes])


# --------------------------------------------------------------------------------------------- GDAL


def _from_gdal(parts: Mapping[str, bytes], options: ReadOptions) -> GridFile:
    return _features(_read_apart(parts, options.layer, None), options)


def _read_apart(parts: Mapping[str, bytes], layer: str | None, encoding: str | None) -> dict[str, Any]:
    """Columns of a layer, read from a private folder that holds nothing else."""
    with tempfile.TemporaryDirectory(prefix="xunge-") as folder:
        for name, body in parts.items():
            Path(folder, name).write_bytes(body)
        path = next(str(Path(folder, name)) for name in parts if name.endswith((".gpkg", ".kml", ".shp")))
        request = {"path": path, "layer": layer, "encoding": encoding}
        try:
            found = run_apart("geo.files.layers:read_layer", request, limits=_LIMITS, environment=ENVIRONMENT)
        except TookTooLong:
            zh, en = "读取文件用时过长", "the file takes too long to read"
            raise unreadable("file-too-slow", zh, en) from None
        except Apart:
            zh, en = "文件已损坏，或读取所需内存过大", "the file is damaged or takes too much memory to read"
            raise unreadable("file-damaged", zh, en) from None
    if "fault" in found:
        reason, zh, en = found["fault"]
        pointer, more = ("/layer", {"layers": found["layers"]}) if found["layers"] else ("/file", {})
        raise unreadable(reason, zh, en, pointer=pointer, **more)
    return dict(found)


def _features(found: Mapping[str, Any], options: ReadOptions) -> GridFile:
    if not found["fids"]:
        raise unreadable("file-empty", "图层中没有要素", "the layer holds no feature")
    named_datum, notes = _named_datum(found["crs"])
    if found["measured"]:
        notes.append(Reason("measures-dropped", "已舍去 M 值（测量值）", "measures (M) are dropped"))
    columns = {
        name: values
        for name, values in zip(found["fields"], found["columns"], strict=True)
        if name.casefold() not in KML_STYLE or "altitudeMode" not in found["fields"]
    }
    columns = {
        name: values for name, values in columns.items() if any(value is not None for value in values)
    } or columns
    columns = {first: _concatenated([columns[part] for part in parts]) for first, parts in joined(columns)}
    targets, hints = fields_of_properties(columns, options.mapping)
    id_field = next((name for name, target in targets.items() if target == ID), None)
    shapes = list(_shapes(found))
    features = []
    for index, (fid, shape) in enumerate(zip(found["fids"], shapes, strict=True)):
        values = {name: column[index] for name, column in columns.items()}
        ref = values.get(id_field) if id_field else None
        feature = _with_properties({"type": "Feature", "id": fid if ref is None else ref}, values, targets)
        if isinstance(shape, FieldFault):
            feature.setdefault(FAULT, shape)
        else:
            feature["geometry"] = shape
        features.append(feature)
    return GridFile(features, named_datum, [*notes, *hints])


def _concatenated(parts: Sequence[Sequence[Any]]) -> list[Any]:
    if len(parts) == 1:
        return list(parts[0])
    rows = zip(*parts, strict=True)
    return ["".join(part for part in row if isinstance(part, str)) or None for row in rows]


def _shapes(found: Mapping[str, Any]) -> Iterator[Any]:
    """A geometry, None, or the fault of each feature."""
    curved = set(found["curved"])
    wkb = np.empty(len(found["wkb"]), dtype=object)
    wkb[:] = found["wkb"]
    with np.errstate(invalid="ignore"):  # NaN coordinates are found later, with their feature
        shapes = shapely.from_wkb(wkb, on_invalid="ignore")
    for fid, raw, shape in zip(found["fids"], found["wkb"], shapes, strict=True):
        if fid in curved:
            yield FieldFault("/geometry/type", CURVED)
        elif raw is not None and shape is None:
            yield _malformed(raw)
        else:
            yield shape


def _malformed(raw: bytes) -> FieldFault:
    """Why GEOS takes these bytes for no geometry."""
    pointer = "/geometry/coordinates"
    try:
        shapely.from_wkb(raw)
    except shapely.errors.GEOSException as error:
        if "closed" in str(error):
            zh, en = "边界环未闭合：首尾点不同", "the ring is not closed: first is not last"
            return FieldFault(pointer, Reason("ring-not-closed", zh, en))
        if "number of points" in str(error).lower():
            zh, en = "边界环至少 4 个点（首尾相同）", "a ring has at least 4 positions, first = last"
            return FieldFault(pointer, Reason("ring-too-short", zh, en))
    return FieldFault(
        pointer, Reason("coordinates-malformed", "坐标无法读取", "the coordinates cannot be read")
    )


def _named_datum(crs: str | None) -> tuple[str | None, list[Reason]]:
    """The coordinate system as ImportOrder.datum would declare it: an EPSG code, or a PROJ string."""
    if not crs:
        return None, []
    if re.fullmatch(r"EPSG:\d{4,6}", crs):
        return crs, []
    try:
        system = CRS.from_user_input(crs)
    except CRSError:
        zh, en = "文件中的坐标系定义无法识别", "the coordinate system that the file names is not understood"
        return None, [Reason("crs-unreadable", zh, en)]
    code = system.to_epsg(min_confidence=90)
    if code is not None:
        return f"EPSG:{code}", []
    if not system.is_projected:
        return system.name, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of datum and axes get lost; the numbers do not
        return system.to_proj4(), []
