"""How a request says what its positions refer to."""

from typing import Annotated

from fastapi import Query

DatumText = Annotated[
    str,
    Query(max_length=20, description="EPSG:4490, EPSG:4326, GCJ02, BD09 or the EPSG code of a projection"),
]
