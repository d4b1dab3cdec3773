"""A private PostgreSQL + PostGIS cluster below the home folder (Linux only).

What lies where, with XUNGE_HOME = `.xunge`:

- `.xunge/cluster.lock`       held with flock by the owner; pid, start and URL of the owner as JSON
- `.xunge/postgres/data`      the cluster itself, owned by the account that runs the server
- `.xunge/postgres.location`  only where that account cannot reach the home: names the folder used instead
- `.xunge/postgres.log`       what the server says; `.1` is the one before
- `/tmp/xunge-<uid>-<hash>`   the socket, since a socket path is limited to 107 bytes; nobody else can enter

Superuser `postgres` owns the cluster, role `xunge` the database; there is no password because only this
account (and root) can reach the socket.
"""

from core.cluster.embedded import EmbeddedCluster, temporary_cluster
from core.cluster.errors import ClusterFailed, ClusterInUse, PostgisMissing
from core.cluster.ownership import attach

__all__ = [
    "ClusterFailed",
    "ClusterInUse",
    "EmbeddedCluster",
    "PostgisMissing",
    "attach",
    "temporary_cluster",
]
