"""The base maps that the settings offer, as the map page needs them."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from core.settings import BasemapSettings

PMTILES_ADDRESS = "/basemap/tiles.pmtiles"
_TIANDITU_MAX_ZOOM = 18
_TIANDITU = (
    ("tianditu", "天地图", "Tianditu", ("vec", "cva")),
    ("tianditu-imagery", "天地图影像", "Tianditu imagery", ("img", "cia")),
)


@dataclass(frozen=True, slots=True)
class Basemap:
    """A base map; `tiles` are its layers from below, each an address with {z}, {x} and {y}."""

    name: str
    kind: str  # plain | raster | pmtiles
    zh: str
    en: str
    tiles: tuple[str, ...] = ()
    max_zoom: int = 18
    datum: str = "EPSG:4490"
    attribution: str = ""


def offered_basemaps(settings: BasemapSettings) -> list[Basemap]:
    """The plain one first: it needs no network."""
    offered = [Basemap("plain", "plain", "素色底图", "plain")]
    if settings.pmtiles is not None:
        said = settings.pmtiles_attribution
        offered.append(
            Basemap("pmtiles", "pmtiles", "离线底图", "offline map", (PMTILES_ADDRESS,), attribution=said)
        )
    if settings.tianditu_token is not None:
        offered += [_tianditu(settings, *one) for one in _TIANDITU]
    if settings.raster_url is not None:
        offered.append(
            Basemap(
                "raster",
                "raster",
                settings.raster_title,
                settings.raster_title,
                (settings.raster_url,),
                settings.raster_max_zoom,
                settings.raster_datum,
                settings.raster_attribution,
            )
        )
    return offered


def hosts_of(settings: BasemapSettings) -> tuple[str, ...]:
    """Origins that pages may fetch base maps from."""
    addresses = [address for one in offered_basemaps(settings) for address in one.tiles]
    split = [urlsplit(address) for address in addresses]
    return tuple(dict.fromkeys(f"{one.scheme}://{one.netloc}" for one in split if one.scheme and one.netloc))


def _tianditu(settings: BasemapSettings, name: str, zh: str, en: str, layers: tuple[str, ...]) -> Basemap:
    """WMTS in the web-mercator matrix set; its positions are CGCS2000."""
    assert settings.tianditu_token is not None
    token = settings.tianditu_token.get_secret_value()
    tiles = tuple(
        f"{settings.tianditu_url.rstrip('/')}/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0"
        f"&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
        f"&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={token}"
        for layer in layers
    )
    said = "© 国家地理信息公共服务平台 天地图"
    return Basemap(name, "raster", zh, en, tiles, _TIANDITU_MAX_ZOOM, attribution=said)
