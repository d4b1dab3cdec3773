"""One worker process: `python -m worker`. `xunge worker` keeps several of them alive."""

import asyncio

from core import logs
from core.settings import load_settings
from worker.performing import limit_memory
from worker.process import WorkerProcess
from worker.tasks import make_tasks


async def run() -> None:
    settings = load_settings()
    await WorkerProcess(settings, make_tasks(settings)).run()


if __name__ == "__main__":
    logs.configure(load_settings().log)
    limit_memory(load_settings().jobs)
    asyncio.run(run())
