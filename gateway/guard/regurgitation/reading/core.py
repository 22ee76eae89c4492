"""What reading needs of the index itself, in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.guard.regurgitation.documents import Document
from gateway.guard.regurgitation.keys import IndexKey

__all__ = ("Document", "IndexKey", "PartOf")

PartOf = Callable[[IndexKey, Sequence[tuple[Document, str]]], bytes]
"""Hashes documents. It is called in other processes, so it is a function of a module."""
