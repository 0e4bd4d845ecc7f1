"""Tasks of which the event loop hears when they fail, although somebody keeps them.

Law: asyncio reports what a task raised only when nobody refers to the task any more. What replicates is kept by the object that may
call it off, so it is reported at once: an event that can't be applied has to stop the node before anything else runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine


def begin(work: Coroutine[object, object, None], failed: Callable[[Exception], object]) -> asyncio.Task[None]:
    """Run work as a task; what it raises is given to the event loop's exception handler, then to `failed`."""
    return asyncio.get_running_loop().create_task(_reported(work, failed))


async def _reported(work: Coroutine[object, object, None], failed: Callable[[Exception], object]) -> None:
    try:
        await work
    except Exception as error:
        asyncio.get_running_loop().call_exception_handler({"message": "Exception in a task", "exception": error})
        failed(error)
