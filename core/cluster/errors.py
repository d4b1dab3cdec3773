"""Why there is no embedded database; each message is one line that says what to do."""

from core.errors import Unavailable


class ClusterInUse(Unavailable):
    """Another process already runs this database."""

    code = "cluster-in-use"


class ClusterFailed(Unavailable):
    """The embedded database could not be started."""

    code = "cluster-failed"


class PostgisMissing(Unavailable):
    """PostgreSQL with PostGIS is not installed."""

    code = "postgis-missing"
