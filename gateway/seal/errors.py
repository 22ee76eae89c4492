"""What can go wrong when something is sealed or opened, in two words: it does not open, or the salts cannot be kept."""

from __future__ import annotations

from pathlib import Path


class SealError(Exception):
    """Something could not be opened: another key, another place, or changed bytes. Nobody is told which."""

    def __init__(self, message: str = "this was not sealed by these keys for this place, or it was changed") -> None:
        super().__init__(message)


class SaltsUnavailable(SealError):
    """The salts cannot be read or written, so nothing new can be sealed for whoever has none yet."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: no salts can be kept there ({why}), so whoever has none yet is not served")
