"""Signatures: made with a key of the keyset, checked with the public key alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.keyset import Keyset
from gateway.seal.signing import AUDIT_PURPOSE, Signer, Signers, decoded, encoded, is_signed, pem, publics, publics_of

# RFC 8032, 7.1, test 1: the secret key and its public key.
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNER = Signer(SECRET)


def test_the_key_is_that_of_the_standard() -> None:
    assert decoded(SIGNER.public) == PUBLIC
    assert publics([SECRET]) == [SIGNER.public]


@given(st.binary(), st.binary(), st.binary(), st.binary())
def test_a_signature_is_of_one_content_in_one_context(
    context: bytes, content: bytes, other: bytes, text: bytes
) -> None:
    signature = SIGNER.sign(context, content)
    assert is_signed(SIGNER.public, context, content, signature)
    assert is_signed(SIGNER.public, other, text, signature) == ((other, text) == (context, content))
    assert not is_signed(Signer(b"o" * 32).public, context, content, signature)


@pytest.mark.parametrize("wrong", ["", "x", "=" * 43, "é", "A" * 43, "A" * 44, "A" * 86, "-_" * 43])
def test_what_is_no_key_or_no_signature_is_not_signed(wrong: str) -> None:
    assert not is_signed(wrong, b"c", b"text", SIGNER.sign(b"c", b"text"))
    assert not is_signed(SIGNER.public, b"c", b"text", wrong)


def test_a_value_has_one_spelling() -> None:
    signature = SIGNER.sign(b"c", b"text")
    last = {"A": "B", "Q": "R", "g": "h", "w": "x"}[signature[-1]]
    assert not is_signed(SIGNER.public, b"c", b"text", signature[:-1] + last)
    assert not is_signed(SIGNER.public, b"c", b"text", signature + "==")
    assert decoded(encoded(b"\xff\xfe\x00")) == b"\xff\xfe\x00"


def test_public_keys_go_through_a_file_with_anything_between_them() -> None:
    others = publics([b"o" * 32])
    text = f"# k1\n{pem(SIGNER.public)}\nsomething\n{pem(others[0])}".encode()
    assert publics_of(text) == [SIGNER.public, *others]
    assert publics_of(b"nothing") == []
    wrong = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"
    with pytest.raises(ValueError, match=r"[a-z]"):
        publics_of(wrong)


def test_the_signer_follows_the_keyset() -> None:
    held = [Keyset.fresh()]
    signers = Signers(lambda: held[0].key_for(AUDIT_PURPOSE))
    first = signers()
    assert signers() is first
    held[0] = held[0].rotated()
    assert signers().public not in (first.public, SIGNER.public)
    assert publics([held[0].key_for(AUDIT_PURPOSE, "k1")[1]]) == [first.public]


def test_nothing_shows_the_private_key() -> None:
    seed = encoded(SECRET)
    assert seed not in repr(SIGNER)
    assert repr(Signers.ephemeral()) == "<Signers>"
    assert Signers.ephemeral()().public != Signers.ephemeral()().public
