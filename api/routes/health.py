"""Does the process live, can it serve, and its figures. No sign-in: a balancer and a scraper have none."""

from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.exc import SQLAlchemyError

from api.dependencies import AppSettings
from api.gauges import DatabaseGauges
from api.problems import problem_replies
from api.schemas.health import AliveOut, CheckOut, ReadyOut
from core.database import Sessions, reading
from core.errors import Unavailable
from core.readiness import Check, readiness
from core.settings import Settings

router = APIRouter(tags=["health"])

ANSWER_S = 1.8  # a probe that waits longer learns no more
STATEMENT_MS = 1500
METRICS_REPLY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}
Answer = TypeVar("Answer")

# Apart from the threads of the requests: when all of those wait for a dead database, the probes still answer.
_probes = anyio.CapacityLimiter(2)


class NotReady(Unavailable):
    """This process cannot serve requests now."""

    code = "not-ready"


# Async handlers, because they must answer when no thread is free; what touches the database runs in a thread.


@router.get("/healthz")
async def tell_alive() -> AliveOut:
    return AliveOut(status="alive")


@router.get("/readyz", responses=problem_replies(NotReady))
async def tell_ready(request: Request, settings: AppSettings) -> ReadyOut:
    sessions: Sessions = request.app.state.sessions
    found = await _in_time(lambda: _look(sessions, settings))
    checks = found or [Check("database", False, f"no answer within {ANSWER_S} s")]
    told = [CheckOut(name=check.name, ok=check.is_ok, detail=check.detail) for check in checks]
    failed = [check for check in checks if not check.is_ok]
    if failed:
        reasons = "; ".join(f"{check.name}: {check.detail}" for check in failed)
        raise NotReady(reasons, checks=[check.model_dump() for check in told])
    return ReadyOut(status="ready", checks=told)


@router.get("/metrics", response_class=Response, responses=METRICS_REPLY)
async def tell_metrics(request: Request, settings: AppSettings) -> Response:
    database = CollectorRegistry()
    gauges = DatabaseGauges(request.app.state.sessions, STATEMENT_MS)
    database.register(gauges)
    figures = await _in_time(lambda: generate_latest(database))
    return Response(
        generate_latest(_process_figures(settings)) + (figures or b""), media_type=CONTENT_TYPE_LATEST
    )


def _look(sessions: Sessions, settings: Settings) -> list[Check]:
    try:
        with reading(sessions, timeout_ms=STATEMENT_MS) as session:
            return [Check("database", True, "answers"), *readiness(session, settings.jobs)]
    except SQLAlchemyError:
        return [Check("database", False, "does not answer")]


def _process_figures(settings: Settings) -> CollectorRegistry:
    """This process's figures, or the sum over all processes of one `xunge serve`."""
    if settings.http.metrics_dir is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(settings.http.metrics_dir))  # type: ignore[no-untyped-call]
    return registry


async def _in_time(work: Callable[[], Answer]) -> Answer | None:
    """The answer, or None when it takes longer than anybody waits; its thread ends by itself."""
    with anyio.move_on_after(ANSWER_S):
        return await anyio.to_thread.run_sync(work, limiter=_probes, abandon_on_cancel=True)
    return None
