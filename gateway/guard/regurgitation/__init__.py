"""Finds passages of protected documents in answers while they are written, verbatim, nearly so or disguised.

An index holds keyed fingerprints of the documents and nothing that could be read or tried without the key. An answer is
read letter by letter; what may still become a passage is held, so that nothing of one leaves before it is known.
"""

from gateway.guard.regurgitation.documents import Document, Passage
from gateway.guard.regurgitation.index import Index
from gateway.guard.regurgitation.keys import IndexKey, KeySource
from gateway.guard.regurgitation.parts import part_of
from gateway.guard.regurgitation.watch import Echo, Rule, Watch, joined
from gateway.guard.regurgitation.writing import write_index

__all__ = (
    "Document",
    "Echo",
    "Index",
    "IndexKey",
    "KeySource",
    "Passage",
    "Rule",
    "Watch",
    "joined",
    "part_of",
    "write_index",
)
