"""The file of an index: one page of header, then sections, each at a multiple of 4096 bytes. Little endian.

    0      magic      8 bytes   gwregurg
    8      version    u16       1
    10     length     u16       of the header's JSON
    12     JSON                 key (id), salt, check (of the key), bits, remainder (bits known of it), documents,
                                size (of the file), sections: name -> [offset, bytes, BLAKE2b-128]
           digest    16 bytes   BLAKE2b-128 of the JSON: damage
           seal      16 bytes   keyed BLAKE2b-128 of the JSON: changes by whoever lacks the key
           zeros                to 4096

    offsets   u32[2^bits + 1]   where the places of each bucket begin; a bucket is the top bits of a seed's hash
    codes     u64 per 32 letters, 2 bits for the step into each letter, under a key stream of this file
    table     24 bytes per document: first letter u64, end u64, number of its set of scopes u16, flags u8, zeros
    names     u32 count of blocks, u32 length of each, blocks: JSON, sealed; the first holds the sets of scopes,
              the others the ids of 1,024 documents each
    places    6 bytes per seed: the next 16 bits of its hash, u32 letter at which it begins

A section's digest covers the zeros up to the next section too. Flags: 1 removed, 2 public.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.guard.regurgitation.keys import DIGEST_BYTES, PURPOSE, SALT_BYTES, IndexKey, KeySource
from gateway.settings import ConfigurationError

PAGE = 4096
SECTIONS = ("offsets", "codes", "table", "names", "places")
PLACE_BYTES = 6
ROW = struct.Struct("<QQHB5x")
NAMES_PER_BLOCK = 1024
REMOVED, PUBLIC = 1, 2
_MAGIC = b"gwregurg"
_VERSION = 1
_FRONT = struct.Struct("<8sHH")


@dataclass(frozen=True, slots=True)
class Section:
    """Where a section is, in bytes, and its digest (hex)."""

    offset: int
    size: int
    digest: str

    @property
    def padded(self) -> int:
        """Its size up to the next section."""
        return -(-self.size // PAGE) * PAGE


@dataclass(frozen=True, slots=True)
class Header:
    """What the first page says. `remainder`: how many bits of a seed's hash are known beyond `bits`, at most 16."""

    key_id: str
    salt: bytes
    bits: int
    remainder: int
    documents: int
    size: int
    sections: Mapping[str, Section]

    @property
    def known(self) -> int:
        """How many bits of a hash the file holds."""
        return self.bits + self.remainder


def written_header(header: Header, key: IndexKey) -> bytes:
    """The first page."""
    content = json.dumps(
        {
            "key": header.key_id,
            "salt": header.salt.hex(),
            "check": key.check_value(header.salt).hex(),
            "bits": header.bits,
            "remainder": header.remainder,
            "documents": header.documents,
            "size": header.size,
            "sections": {name: [s.offset, s.size, s.digest] for name, s in header.sections.items()},
        },
        sort_keys=True,
    ).encode()
    page = _FRONT.pack(_MAGIC, _VERSION, len(content)) + content + digest_of(content) + key.sign(content, header.salt)
    return page.ljust(PAGE, b"\0")


def read_header(path: Path, page: bytes, size: int, keys: KeySource) -> tuple[Header, IndexKey]:
    """Of a file's first page and its size. Raises ConfigurationError, which says what is wrong and what to do."""
    content = _content(path, page)
    try:
        document = json.loads(content)
        header = _header(document)
        check = bytes.fromhex(document["check"])
    except (ValueError, KeyError, TypeError):
        raise damaged(path) from None
    if size != header.size:
        raise ConfigurationError(f"{path}: is {size} bytes long and should be {header.size}; copy it or build it again")
    key = _key(path, header, check, keys)
    end = _FRONT.size + len(content) + DIGEST_BYTES
    if key.sign(content, header.salt) != page[end : end + DIGEST_BYTES]:
        raise ConfigurationError(f"{path}: was changed by somebody without the key; build it again")
    return header, key


def damaged(path: Path) -> ConfigurationError:
    """The error for a file that is not what was written."""
    return ConfigurationError(f"{path}: is damaged; copy it again from where it was built, or build it again")


def digest_of(content: bytes | memoryview) -> bytes:
    """16 bytes."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def _content(path: Path, page: bytes) -> bytes:
    if len(page) < _FRONT.size or not page.startswith(_MAGIC):
        raise ConfigurationError(f"{path}: is not an index; `gateway index build` makes one")
    _, version, length = _FRONT.unpack_from(page)
    if version > _VERSION:
        raise ConfigurationError(f"{path}: is of version {version}, which this gateway does not know; take a newer one")
    content = page[_FRONT.size : _FRONT.size + length]
    end = _FRONT.size + length + DIGEST_BYTES
    if len(page) != PAGE or version != _VERSION or end + DIGEST_BYTES > PAGE:
        raise damaged(path)
    if digest_of(content) != page[end - DIGEST_BYTES : end] or any(page[end + DIGEST_BYTES :]):
        raise damaged(path)
    return content


def _header(document: Any) -> Header:
    sections = {name: Section(*document["sections"][name]) for name in SECTIONS}
    size = document["size"]
    for section in sections.values():
        if section.offset % PAGE or not 0 <= section.offset <= section.offset + section.padded <= size:
            raise ValueError("sections")
    header = Header(
        document["key"],
        bytes.fromhex(document["salt"]),
        document["bits"],
        document["remainder"],
        document["documents"],
        size,
        sections,
    )
    numbers = (header.bits, header.remainder, header.documents, header.size)
    if not all(isinstance(number, int) for number in numbers) or not isinstance(header.key_id, str):
        raise TypeError("header")
    if not 1 <= header.bits <= 31 or not 0 < header.remainder <= 16 or len(header.salt) != SALT_BYTES:
        raise ValueError("header")
    return header


def _key(path: Path, header: Header, check: bytes, keys: KeySource) -> IndexKey:
    try:
        key = IndexKey(*keys.key_for(PURPOSE, header.key_id))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{path}: was made with the key {header.key_id}: {error}; build it again with a key of this keyset"
        ) from None
    if key.check_value(header.salt) != check:
        raise ConfigurationError(
            f"{path}: was made with a key of another keyset, which is also called {header.key_id}; "
            "take that keyset, or build the index again"
        )
    return key
