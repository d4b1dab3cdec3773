"""Prometheus gauges that are read from the database when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.database import Sessions, reading

UNFINISHED = ("todo", "doing", "failed")
# Finished jobs are not counted: every count here is answered from a small index.
_COUNTS = text("""
SELECT
    (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo') AS todo,
    (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing') AS doing,
    (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed') AS failed,
    (SELECT extract(epoch FROM now() - min(event.at)) FROM procrastinate_events event
        WHERE event.type = 'deferred' AND event.job_id = (SELECT min(id) FROM procrastinate_jobs
            WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))) AS oldest_todo_s,
    (SELECT count(*) FROM dead_jobs) AS dead,
    (SELECT extract(epoch FROM clock_timestamp() - max(beat_at)) FROM worker_heartbeats) AS silence_s,
    (SELECT count(*) FROM quarantined_items WHERE refiled_at IS NULL) AS quarantined,
    (SELECT count(*) FROM patrols WHERE finished_at IS NULL) AS open_patrols
""")


class DatabaseGauges(Collector):
    """One statement per scrape; with the database away, that alone is told."""

    def __init__(self, sessions: Sessions, timeout_ms: int) -> None:
        self._sessions = sessions
        self._timeout_ms = timeout_ms

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            with reading(self._sessions, timeout_ms=self._timeout_ms) as session:
                counts = session.execute(_COUNTS).one()
        except SQLAlchemyError:
            yield _gauge("xunge_database_up", "Whether the database answered this scrape.", 0)
            return
        yield _gauge("xunge_database_up", "Whether the database answered this scrape.", 1)
        jobs = GaugeMetricFamily("xunge_jobs", "Jobs that are not finished, by status.", labels=["status"])
        for status in UNFINISHED:
            jobs.add_metric([status], getattr(counts, status))
        yield jobs
        yield _gauge("xunge_dead_jobs", "Jobs set aside after their last attempt.", counts.dead)
        yield _gauge(
            "xunge_job_oldest_due_seconds",
            "Age of the oldest job that could run now.",
            counts.oldest_todo_s or 0,
        )
        if counts.silence_s is not None:
            yield _gauge(
                "xunge_worker_silence_seconds", "Time since a worker last showed life.", counts.silence_s
            )
        yield _gauge("xunge_quarantine_open", "Items kept aside and not yet refiled.", counts.quarantined)
        yield _gauge("xunge_patrols_open", "Patrols started and not finished.", counts.open_patrols)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=float(value))
