"""Base maps and base layers on the wire."""

from datetime import datetime

from pydantic import BaseModel

from api.basemaps import Basemap
from api.schemas.grids import HintOut, RejectionOut
from geo.tiles.base_layers import BASE_LAYERS, LayerOrder, LayerReport, StoredLayer


class BasemapOut(BaseModel):
    """A base map to choose; positions of its tiles are in `datum`."""

    name: str
    kind: str
    zh: str
    en: str
    tiles: list[str]
    max_zoom: int
    datum: str
    attribution: str

    @classmethod
    def of(cls, basemap: Basemap) -> "BasemapOut":
        return cls.model_validate(basemap, from_attributes=True)


class BaseLayerOut(BaseModel):
    """A base layer of a part of the deployment."""

    layer: str
    zh: str
    en: str
    area: str
    features: int
    source: str
    source_datum: str
    imported_at: datetime

    @classmethod
    def of(cls, stored: StoredLayer) -> "BaseLayerOut":
        named = BASE_LAYERS[stored.layer]
        return cls(
            layer=stored.layer,
            zh=named.zh,
            en=named.en,
            area=stored.area,
            features=stored.features,
            source=stored.source,
            source_datum=stored.source_datum,
            imported_at=stored.imported_at,
        )


class BasemapsOut(BaseModel):
    """What may lie below the grids."""

    basemaps: list[BasemapOut]
    layers: list[BaseLayerOut]


class LayerReportOut(BaseModel):
    """What became of a file; nothing is imported while `rejected` holds anything."""

    layer: str
    area: str
    datum: str
    dry_run: bool
    imported: bool
    total: int
    replaced: int
    rejected: list[RejectionOut]
    hints: list[HintOut]

    @classmethod
    def of(cls, report: LayerReport, order: LayerOrder) -> "LayerReportOut":
        return cls(
            layer=order.layer,
            area=order.area,
            datum=order.datum,
            dry_run=order.dry_run,
            imported=report.imported,
            total=report.total,
            replaced=report.replaced,
            rejected=[RejectionOut.of(rejection) for rejection in report.rejected],
            hints=[HintOut.of(hint) for hint in report.hints],
        )
