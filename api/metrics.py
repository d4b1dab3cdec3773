"""The HTTP door's own Prometheus metrics; database gauges are read at scrape time (api/routes/health.py)."""

from prometheus_client import Counter, Histogram

REQUEST_SECONDS = Histogram(
    "xunge_http_request_seconds",
    "Time to answer, by route template.",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
TILE_CACHE = Counter("xunge_tile_cache_total", "Tiles served, by where they came from.", ["outcome"])
