"""How many compiled patterns are kept: the library `regex` forgets them after 500, and the detectors have more."""

from __future__ import annotations

import regex


def keep_compiled(most: int) -> None:
    """For this process. For one that makes many detectors: compiling is most of what that takes."""
    regex._main._MAXCACHE = most  # there is no other way to say it
