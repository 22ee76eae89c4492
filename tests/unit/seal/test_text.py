"""The sealer of values within texts: deterministic, and for one purpose, tenant and salt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.errors import SealError
from gateway.seal.text import TextSealer

KEY, SALT = bytes(range(32)), bytes(range(32, 64))
SEALER = TextSealer([("k1", KEY)], "p", "t", SALT)
PLACES = st.tuples(st.text(max_size=8), st.text(max_size=8), st.binary(max_size=8))


@given(plain=st.binary(max_size=80), place=PLACES, other=PLACES)
def test_what_is_sealed_opens_in_its_place_and_in_no_other(
    plain: bytes, place: tuple[str, str, bytes], other: tuple[str, str, bytes]
) -> None:
    purpose, tenant, aad = place
    sealer = TextSealer([("k1", KEY)], purpose, tenant, SALT)
    sealed = sealer.seal(plain, aad)
    assert sealer.open(sealed, aad) == plain
    assert sealer.seal(plain, aad) == sealed
    strangers = [([("k1", bytes(32))], *place, SALT), ([("k2", KEY)], *place, SALT), ([("k1", KEY)], *place, bytes(32))]
    if other != place:
        strangers.append(([("k1", KEY)], *other, SALT))
    for keys, to, whose, where, salt in strangers:
        with pytest.raises(SealError):
            TextSealer(keys, to, whose, salt).open(sealed, where)


@given(plain=st.binary(max_size=40))
def test_any_changed_bit_keeps_it_shut(plain: bytes) -> None:
    sealed = SEALER.seal(plain, b"a")
    for at in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[at // 8] ^= 1 << (at % 8)
        with pytest.raises(SealError) as caught:
            SEALER.open(bytes(changed), b"a")
        assert caught.value.__context__ is None


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(15), bytes(16)])
def test_what_is_too_short_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealError):
        SEALER.open(sealed, b"")


def test_the_first_key_seals_and_all_open() -> None:
    both = TextSealer([("k2", bytes(32)), ("k1", KEY)], "p", "t", SALT)
    assert both.open(SEALER.seal(b"x", b""), b"") == both.open(both.seal(b"x", b""), b"") == b"x"
    assert both.seal(b"x", b"") != SEALER.seal(b"x", b"")
    assert repr(both) == "<TextSealer>"
