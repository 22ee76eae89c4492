"""Runs a command of ours on what a stranger sent, in a process with bounds, so that nothing it does is felt here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "XDG_CACHE_HOME", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")


class ChildFailed(Exception):
    """It took too long, or more memory than it may, or broke."""


async def run(command: Sequence[str], sent: str, *, limit_s: float, most_bytes: int) -> str:
    """What the command writes when it reads `sent`. It ends when who waits for it goes. Raises ChildFailed.

    It is not given the environment: there may be secrets in it.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=kept(os.environ),
    )
    try:
        async with asyncio.timeout(limit_s):
            written, _ = await process.communicate(sent.encode("utf-8", "surrogatepass"))
    except (TimeoutError, OSError):
        raise ChildFailed from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or len(written) > most_bytes:
        raise ChildFailed
    return written.decode("utf-8", "replace")


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """What a command of ours may know of the environment."""
    return {name: environ[name] for name in _KEPT if name in environ}
