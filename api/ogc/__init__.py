"""OGC API - Features, parts 1 and 2: what desk GIS reads."""
