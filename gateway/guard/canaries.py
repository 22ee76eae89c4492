"""Canaries: phrases of words that nobody would say by chance, planted in documents or training data. Who says one has
seen what it was planted in.

The file of canaries keeps no phrase: each is made of a key of the keyset and its id, so that a stolen file tells
nobody what to leave out.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import string
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.guard.regurgitation import Rule, Watch
from gateway.guard.regurgitation.watch import Filter
from gateway.seal.derive import derived
from gateway.seal.files import keep_owner, sync_directory
from gateway.seal.keyring import Keyring
from gateway.settings import ConfigurationError, read_yaml, write_yaml

PURPOSE = "canaries"
PHRASE_WORDS = 11
"""Words of a phrase, each worth 8 bits: 88 in all."""

FOUND_WORDS = 4
"""Words of a phrase in a row that are found: 32 bits, fewer than which the engine does not look for."""

_LEET = str.maketrans("aeio", "4310")
_ID_ALPHABET = string.ascii_lowercase + string.digits
_ID_CHARS = 8
_CHECK_BYTES = 6
# 256 everyday words of four to eight letters, none of which begins another: tokenizers, spell checkers and filters of
# training data take them for text, and no byte of a key is lost.
_WORDS = (
    "acorn agate alder amber anchor anvil apple apron arbor arrow aspen atlas autumn badger bamboo banjo barley "
    "basil basket beacon beaver bishop bison blanket blossom border bottle boulder branch brass bridge bronze "
    "bucket buffalo butter button cabin cactus camel candle canoe canyon carbon cargo carpet castle cattle cedar "
    "cellar chalk chapel cherry chisel cider cinder citrus clover cobalt coffee comet copper coral cotton coyote "
    "cradle crane crater cricket crystal curtain cypress dagger dahlia daisy dancer denim desert diamond dolphin "
    "donkey dragon drawer drum eagle easel elbow ember emerald engine fabric falcon feather fennel ferry fiddle "
    "finch flint forest fossil fountain gable galaxy garden garlic garnet gazelle geyser ginger glacier goblet "
    "granite grape gravel guitar hammer harbor harvest hazel heron hickory honey hornet hotel island ivory jacket "
    "jaguar jasmine jigsaw jungle juniper kettle kitten ladder lagoon lantern lemon leopard lichen lilac linen "
    "lizard lobster locket lotus magnet mango maple marble marsh meadow melon mercury meteor mirror monkey mosaic "
    "mountain mulberry mustard napkin nectar needle nickel nutmeg oasis ocean olive onion opal orbit orchard otter "
    "oyster paddle palace panther paper parrot peach pebble pelican pencil pepper picnic pigeon pillow pirate "
    "planet plum pocket pony poplar prairie puddle pumpkin puppet puzzle quarry quartz rabbit radish raven ribbon "
    "river robin rocket saddle saffron salmon sandal sapphire satin scarf sequoia shovel silver sparrow spider "
    "spruce squash stable steam summit sunset swallow talon temple thimble thistle thunder ticket tiger timber "
    "tomato topaz tower trumpet tulip tundra tunnel turtle umbrella vapor velvet violet walnut walrus willow window "
    "winter wizard yellow zebra zephyr zipper "
).split()


class CanaryRecord(BaseModel):
    """What is kept of a canary. `check` tells the key it was made with, and nothing of the phrase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9]{8}$")]
    label: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]
    made: date
    check: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    canaries: list[CanaryRecord] = []


class Canaries:
    """The phrases by id, and what finds them. They are never shown."""

    def __init__(self, phrases: Mapping[str, str]) -> None:
        self._phrases = dict(phrases)
        texts = [(id_, text) for id_, phrase in self._phrases.items() for text in _spellings(phrase)]
        self._ids = [id_ for id_, _ in texts]
        self._watch = Watch.of_text([text for _, text in texts], Rule(FOUND_WORDS))

    @classmethod
    def load(cls, path: Path, keyring: Keyring) -> Canaries:
        """Raises ConfigurationError, also for a canary whose key is gone: it would not be found."""
        made_with = keyring.secrets(PURPOSE)
        return cls({id_: _phrase_of(path, record, made_with) for id_, record in load_records(path).items()})

    @property
    def phrases(self) -> Mapping[str, str]:
        """Words in lower case with single spaces between them, by id."""
        return self._phrases

    def open(self) -> CanaryFinder:
        """A finder for one text."""
        return CanaryFinder(self._watch.open(), self._ids)

    def __len__(self) -> int:
        return len(self._phrases)

    def __repr__(self) -> str:
        return f"<{len(self)} canaries>"


class CanaryFinder:
    """A stream filter that stops before the first phrase, whatever it is disguised as. Nothing leaves of a piece with
    four whole words of it in a row; of shorter ones it may, since everybody says everyday words."""

    def __init__(self, reader: Filter, ids: Sequence[str]) -> None:
        self._reader = reader
        self._ids = ids
        self.hold_chars = reader.hold_chars

    @property
    def hit(self) -> str | None:
        """The id of the canary that was found. From then on nothing leaves."""
        found = self._reader.hit
        return None if found is None else self._ids[int(found.document.id) - 1]

    def push(self, text: str) -> str:
        """Text that may leave now."""
        return self._reader.push(text)

    def flush(self) -> str:
        """The rest, at the end."""
        return self._reader.flush()

    def carry(self) -> bytes:
        """Where the text has got to: a phrase may go on in another one."""
        return self._reader.carry()

    def follow(self, carried: bytes) -> None:
        """Where other texts have got to by now."""
        self._reader.follow(carried)


def new_canary(keyring: Keyring, label: str, today: date) -> tuple[CanaryRecord, str]:
    """What is to be kept, and the phrase, which is not. Raises ConfigurationError for a label that cannot be."""
    secret = keyring.secret(PURPOSE)
    id_ = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARS))
    try:
        record = CanaryRecord(id=id_, label=label, made=today, check=_check(secret, id_))
    except ValidationError:
        raise ConfigurationError("--label: letters, digits and ._:/- only, at most 100, such as hr/2026") from None
    return record, _phrase(secret, id_)


def load_records(path: Path) -> dict[str, CanaryRecord]:
    """Records by id, in the order of the file. Raises ConfigurationError."""
    if not path.exists():
        raise ConfigurationError(f"{path}: there is no such file; `gateway canary make --canaries {path}` makes it")
    document = read_yaml(path)
    try:
        file = _File.model_validate({} if document is None else document)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        what = f"{place}: {problem['msg']}" if place else "is no file of canaries; `gateway canary make` makes one"
        raise ConfigurationError(f"{path}: {what}") from None
    records = {record.id: record for record in file.canaries}
    if len(records) != len(file.canaries):
        raise ConfigurationError(f"{path}: two canaries have the same id; remove one")
    return records


@contextmanager
def edit_records(path: Path) -> Iterator[dict[str, CanaryRecord]]:
    """The records to change; they are written back when the block ends well. One editor at a time.

    Raises ConfigurationError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        records = load_records(path) if path.exists() else {}
        yield records
        _write(path, records)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        os.close(lock)


def _write(path: Path, records: Mapping[str, CanaryRecord]) -> None:
    canaries = [record.model_dump(mode="json") for record in records.values()]
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# Made by `gateway canary make`. The phrases are not in here: the keyset makes them anew.\n")
            file.write(write_yaml({"version": 1, "canaries": canaries}))
            file.flush()
            keep_owner(handle, path)
            os.fsync(handle)
        os.replace(name, path)
        sync_directory(path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _phrase_of(path: Path, record: CanaryRecord, made_with: list[bytes]) -> str:
    for secret in made_with:
        if secrets.compare_digest(_check(secret, record.id), record.check):
            return _phrase(secret, record.id)
    raise ConfigurationError(
        f"{path}: the canary {record.id} was made with another keyset, or with a key that is retired; "
        "take the keyset from your backup, or delete the canary from the file and plant a new one"
    )


def _phrase(secret: bytes, id_: str) -> str:
    return " ".join(_WORDS[byte] for byte in derived(secret, ("canary", id_), PHRASE_WORDS))


def _spellings(phrase: str) -> Iterator[str]:
    """The phrase, which the engine sees through most disguises, and what it takes for other letters: each word
    backwards, digits for letters, and the bytes in hexadecimal with something between them."""
    yield phrase
    yield " ".join(word[::-1] for word in phrase.split())
    yield phrase.translate(_LEET)
    for spelling in (phrase, phrase.title(), phrase.upper()):
        yield spelling.encode().hex()


def _check(secret: bytes, id_: str) -> str:
    return derived(secret, ("canary check", id_), _CHECK_BYTES).hex()
