"""Excel and CSV: a row says something of a grid that stands, or is a new floor or counter; shapes stay.

A column that the table has holds for each of its rows, blank cells too (no households, attribute removed);
what has no column stays as it is. A CSV may carry boundaries as WKT.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from core.spreadsheets import Row, read_rows
from geo.codes import Reason
from geo.files.geojson import FAULT, OWN_PROPERTIES, STANDING, FieldFault
from geo.files.mapping import ATTRIBUTES, GEOMETRY_COLUMNS, ID, fields_of_properties, properties_of
from geo.importing.plan import StoredGrid

COLUMNS = "columns"  # member of a row's feature: which properties and attributes the table speaks of
_FIRST_LEVEL_WITHOUT_SHAPE = 4
_NEVER_BLANK = frozenset({"kind", "level"})  # a blank cell leaves them as they are


def read_table(
    body: bytes,
    file_name: str,
    *,
    sheet_name: str | None,
    encoding: str | None,
    mapping: Mapping[str, str],
) -> tuple[list[Any], list[Reason]]:
    """A feature for each row, to be finished by `completed`. Raises: UnreadableTable, WrongEncoding."""
    sheet = read_rows(body, file_name, sheet=sheet_name, encoding=encoding)
    geometry = next((head for head in sheet.headers if head.casefold() in GEOMETRY_COLUMNS), None)
    headers = [head for head in sheet.headers if head != geometry]
    targets, hints = fields_of_properties(headers, mapping)
    features = [_feature(row, targets, geometry) for row in sheet.rows]
    return features, [*(Reason(note.code, note.zh, note.en) for note in sheet.notes), *hints]


def _feature(row: Row, targets: Mapping[str, str], geometry: str | None) -> dict[str, Any]:
    values = {head: value for head, value in row.cells.items() if head != geometry}
    ref = next((values[head] for head, target in targets.items() if target == ID), None)
    feature: dict[str, Any] = {
        "type": "Feature",
        "id": f"row {row.number}" if ref is None else ref,
        "geometry": None,
        COLUMNS: frozenset(targets.get(head, head) for head in values),
    }
    try:
        feature["properties"] = properties_of(values, targets)
        feature["geometry"] = _shape(row.cells[geometry]) if geometry else None
    except FieldFault as fault:
        feature.update({"properties": {}, FAULT: fault})
    return feature


def _shape(text: Any) -> Any:
    if text is None:
        return None
    try:
        return shapely.from_wkt(str(text).partition(";")[2] or str(text))
    except shapely.errors.GEOSException:
        reason = Reason("coordinates-malformed", "边界不是有效的 WKT", "the boundary is no sound WKT")
        raise FieldFault("/geometry", reason) from None


# ------------------------------------------------------------------------------- what stands already


def codes_named(features: Sequence[Any]) -> set[str]:
    """Codes of the grids that rows of tables speak of; empty for files of other kinds."""
    return {str(one["properties"].get("code")) for one in features if _is_row(one)}


def _is_row(feature: Any) -> bool:
    """Made by this module: a GeoJSON text cannot bring a frozenset."""
    return isinstance(feature, dict) and isinstance(feature.get(COLUMNS), frozenset)


def completed(features: Sequence[Any], stored: Mapping[str, StoredGrid]) -> list[Any]:
    """The features, with what rows of tables leave unsaid taken from the grids that stand, by code."""
    return [_completed(one, stored) if _is_row(one) else one for one in features]


def _completed(row: dict[str, Any], stored: Mapping[str, StoredGrid]) -> dict[str, Any]:
    said, code = row["properties"], str(row["properties"].get("code"))
    if FAULT in row:
        return row
    grid = stored.get(code)
    if grid is None or grid.is_retired:
        level = said.get("level")
        if row["geometry"] is None and not (isinstance(level, int) and level >= _FIRST_LEVEL_WITHOUT_SHAPE):
            zh = f"没有编码为 {code} 的网格：没有边界的表格只能修改已有网格"
            en = f"there is no grid {code}: a table without boundaries only changes grids that exist"
            return {**row, FAULT: FieldFault("/properties/code", Reason("grid-unknown", zh, en))}
        return row
    columns = row[COLUMNS]
    properties = {
        name: value for name, value in _standing(grid).items() if name not in columns or name in _NEVER_BLANK
    }
    if ATTRIBUTES in columns:  # the column with all that have none of their own: it holds them, or nothing
        properties = {name: value for name, value in properties.items() if name in OWN_PROPERTIES}
    completed = {**row, "properties": {**properties, **said}}
    if row["geometry"] is None and grid.shape is not None:
        completed[STANDING] = grid.shape
    return completed


def _standing(grid: StoredGrid) -> dict[str, Any]:
    """What is said of a grid so far; its parent is known by its place."""
    return {
        **{name: value for name, value in grid.attributes.items() if name not in OWN_PROPERTIES},
        "name": grid.name,
        "level": grid.level,
        "kind": grid.kind,
        "households": grid.households,
    }
