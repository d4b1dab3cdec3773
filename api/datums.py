"""How a request says what its positions refer to."""

from typing import Annotated

from fastapi import Query

DatumText = Annotated[
    str,
    Query(
        max_length=200,
        description="EPSG:4490, EPSG:4326, GCJ02, BD09, the EPSG code of a projected system, or a city's own"
        " as a PROJ string: +proj=tmerc +lon_0=118.83 +x_0=50000 +ellps=GRS80 +units=m",
    ),
]
