"""What is sealed today can be opened tomorrow: published vectors for the primitives, fixed ones for our own use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.redact.actions import ENCRYPT_PURPOSE, encrypted, revealed
from gateway.seal.aead import Sealer, derived

VECTORS = json.loads((Path(__file__).parent / "seal.json").read_text())
DERIVED = "4aa0a184ce37e7b906dce39948c210fd887c902f265567b3d4760d2e5f65f27e"
unhex = bytes.fromhex


@pytest.mark.parametrize("case", VECTORS["hkdf_sha256"], ids=lambda case: case["source"])
def test_hkdf_is_that_of_the_rfc(case: dict[str, Any]) -> None:
    length = len(unhex(case["okm"]))
    made = HKDF(algorithm=SHA256(), length=length, salt=unhex(case["salt"]), info=unhex(case["info"]))
    assert made.derive(unhex(case["ikm"])) == unhex(case["okm"])


@pytest.mark.parametrize("case", VECTORS["aes_siv"], ids=lambda case: case["source"])
def test_the_cipher_is_that_of_the_rfc(case: dict[str, Any]) -> None:
    cipher, aad = AESSIV(unhex(case["key"])), [unhex(part) for part in case["aad"]]
    assert cipher.encrypt(unhex(case["plain"]), aad) == unhex(case["sealed"])
    assert cipher.decrypt(unhex(case["sealed"]), aad) == unhex(case["plain"])


@pytest.mark.parametrize("case", VECTORS["sealer"], ids=lambda case: case["value"])
def test_tokens_stay_what_they_are(case: dict[str, Any]) -> None:
    sealer = Sealer([(case["id"], unhex(case["key"]))], ENCRYPT_PURPOSE, case["tenant"])
    assert encrypted(sealer, case["entity"], case["value"]) == case["token"]
    assert revealed(f"see {case['token']}.", sealer.open) == (f"see {case['value']}.", 0)


def test_derived_keys_stay_what_they_are() -> None:
    assert derived(bytes(range(32)), "redact hash", "", 32).hex() == DERIVED
