"""The envelope of stored entries: what opens, what does not, and what it gives away."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.derive import expanded
from gateway.seal.envelope import EntrySealer, RecordSealer
from gateway.seal.errors import SealError

KEY = bytes(range(32))
SEALER = EntrySealer({7: KEY}, 7)
HEADER, TAG, FRAME = 37, 16, 4096


def framed(frame: bytes, version: int = 1, number: int = 7, aad: bytes = b"a") -> bytes:
    """An envelope whose frame is ours to choose, with a right tag."""
    header = bytes([version]) + number.to_bytes(4, "big") + bytes(32)
    made = expanded(KEY, b"gateway entry 1" + bytes(32), 44)
    return header + AESGCM(made[:32]).encrypt(made[32:], frame, header + aad)


@given(plain=st.binary(max_size=10_000), aad=st.binary(max_size=40))
def test_what_is_sealed_opens(plain: bytes, aad: bytes) -> None:
    sealed = SEALER.seal(plain, aad)
    assert SEALER.open(sealed, aad) == plain
    assert SEALER.seal(plain, aad) != sealed


@pytest.mark.parametrize(
    ("length", "frame"),
    [(0, 4096), (1, 4096), (4092, 4096), (4093, 8192), (8188, 8192), (8189, 16384), (100_000, 131_072)],
)
def test_lengths_are_hidden_in_powers_of_two(length: int, frame: int) -> None:
    sealed = SEALER.seal(bytes(length), b"")
    assert len(sealed) == HEADER + frame + TAG
    assert SEALER.open(sealed, b"") == bytes(length)


def test_records_are_smaller() -> None:
    sealer = RecordSealer({0: KEY}, 0)
    assert [len(sealer.seal(bytes(n), b"")) - HEADER - TAG for n in (0, 252, 253)] == [256, 256, 512]
    with pytest.raises(SealError):
        EntrySealer({0: KEY}, 0).open(sealer.seal(b"x", b""), b"")


def test_the_header_says_version_and_key() -> None:
    sealed = EntrySealer({7: KEY, 300: bytes(32)}, 300).seal(b"x", b"")
    assert sealed[:5] == b"\x01\x00\x00\x01\x2c"


def test_each_key_of_the_keyset_opens_what_it_sealed() -> None:
    both = EntrySealer({7: KEY, 8: os.urandom(32)}, 8)
    old, new = SEALER.seal(b"old", b""), both.seal(b"new", b"")
    assert (both.open(old, b""), both.open(new, b"")) == (b"old", b"new")
    with pytest.raises(SealError):
        SEALER.open(new, b"")


def test_any_changed_bit_keeps_it_shut() -> None:
    sealer = RecordSealer({7: KEY, 6: KEY, 5: KEY, 3: KEY, 15: KEY}, 7)
    sealed = sealer.seal(b"secret", b"a")
    for at in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[at // 8] ^= 1 << (at % 8)
        with pytest.raises(SealError) as caught:
            sealer.open(bytes(changed), b"a")
        assert str(caught.value) == str(SealError())
        assert caught.value.__cause__ is caught.value.__context__ is None


def test_changed_bits_of_a_whole_entry_keep_it_shut() -> None:
    sealed = SEALER.seal(b"secret", b"a")
    for at in [*range(48), *range(HEADER + 4, len(sealed), 61), *range(len(sealed) - TAG, len(sealed))]:
        for bit in range(8):
            changed = bytearray(sealed)
            changed[at] ^= 1 << bit
            with pytest.raises(SealError):
                SEALER.open(bytes(changed), b"a")


def test_another_key_or_place_keeps_it_shut() -> None:
    sealed = SEALER.seal(b"x", b"a")
    for sealer, aad in ((SEALER, b"b"), (SEALER, b""), (EntrySealer({7: bytes(32)}, 7), b"a"),
                        (EntrySealer({8: KEY}, 8), b"a")):  # fmt: skip
        with pytest.raises(SealError):
            sealer.open(sealed, aad)
    # What belongs to the header cannot be moved to the associated data, or back.
    with pytest.raises(SealError):
        SEALER.open(sealed[:-1], sealed[-1:] + b"a")


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda rest: b"\x01\x00\x00\x00\x07" + rest))
def test_bytes_of_any_kind_do_nothing_but_stay_shut(sealed: bytes) -> None:
    with pytest.raises(SealError):
        SEALER.open(sealed, b"a")


@given(st.integers(0, HEADER + FRAME + TAG - 1), st.binary(max_size=3))
def test_cut_or_longer_envelopes_stay_shut(cut: int, more: bytes) -> None:
    sealed = SEALER.seal(b"x", b"a")
    for wrong in (sealed[:cut], sealed[:cut] + more, sealed[cut + 1 :], sealed + more + b"\0"):
        if wrong != sealed:
            with pytest.raises(SealError):
                SEALER.open(wrong, b"a")


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"\0", b"\0\0\0\0", bytes(2048), bytes(8192), bytes(4095), bytes(4097),
        b"\xff\xff\xff\xff" + bytes(4092), (4093).to_bytes(4, "big") + bytes(4092),
        (1).to_bytes(4, "big") + b"xy" + bytes(4090), bytes(4095) + b"\x01",
    ],
    ids=len,
)  # fmt: skip
def test_a_frame_of_another_form_stays_shut_though_its_tag_is_right(frame: bytes) -> None:
    assert SEALER.open(framed((1).to_bytes(4, "big") + b"x" + bytes(4091)), b"a") == b"x"
    with pytest.raises(SealError):
        SEALER.open(framed(frame), b"a")


def test_another_version_stays_shut_though_its_tag_is_right() -> None:
    for version in (0, 2, 255):
        with pytest.raises(SealError):
            SEALER.open(framed(bytes(4096), version=version), b"a")


def test_no_key_and_nonce_come_twice() -> None:
    sealer = RecordSealer({7: KEY}, 7)
    salts = [sealer.seal(b"", b"")[5:37] for _ in range(20_000)]
    pairs = {expanded(KEY, b"gateway entry 1" + salt, 44) for salt in salts}
    assert len(set(salts)) == len(pairs) == 20_000


def test_it_shows_no_key() -> None:
    assert f"{SEALER!r} {SEALER}" == "<EntrySealer> <EntrySealer>"
