"""What is sealed today can be opened tomorrow: published vectors for the primitives, fixed ones for our own use."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from gateway.redact.actions import encrypted, revealed
from gateway.seal.derive import derived, expanded
from gateway.seal.envelope import EntrySealer, RecordSealer
from gateway.seal.keyring import TEXT_PURPOSE, Keyring, salts_file
from gateway.seal.text import TextSealer

VECTORS = json.loads((Path(__file__).parent / "seal.json").read_text())
unhex = bytes.fromhex


@pytest.mark.parametrize("case", VECTORS["hkdf_sha256"], ids=lambda case: case["source"])
def test_hkdf_is_that_of_the_rfc(case: dict[str, Any]) -> None:
    length = len(unhex(case["okm"]))
    made = HKDF(algorithm=SHA256(), length=length, salt=unhex(case["salt"]), info=unhex(case["info"]))
    assert made.derive(unhex(case["ikm"])) == unhex(case["okm"])
    assert expanded(unhex(case["prk"]), unhex(case["info"]), length) == unhex(case["okm"])
    assert HKDFExpand(SHA256(), length, unhex(case["info"])).derive(unhex(case["prk"])) == unhex(case["okm"])


@pytest.mark.parametrize("case", VECTORS["aes_siv"], ids=lambda case: case["source"])
def test_aes_siv_is_that_of_the_rfc(case: dict[str, Any]) -> None:
    cipher, aad = AESSIV(unhex(case["key"])), [unhex(part) for part in case["aad"]]
    assert cipher.encrypt(unhex(case["plain"]), aad) == unhex(case["sealed"])
    assert cipher.decrypt(unhex(case["sealed"]), aad) == unhex(case["plain"])


@pytest.mark.parametrize("case", VECTORS["aes_gcm"], ids=lambda case: case["source"])
def test_aes_gcm_is_that_of_its_authors(case: dict[str, Any]) -> None:
    cipher, nonce, aad = AESGCM(unhex(case["key"])), unhex(case["nonce"]), unhex(case["aad"])
    assert cipher.encrypt(nonce, unhex(case["plain"]), aad) == unhex(case["sealed"])
    assert cipher.decrypt(nonce, unhex(case["sealed"]), aad) == unhex(case["plain"])


@pytest.mark.parametrize("case", VECTORS["derived"], ids=lambda case: "/".join(case["place"]))
def test_derived_keys_stay_what_they_are(case: dict[str, Any]) -> None:
    made = derived(unhex(case["key"]), tuple(case["place"]), case["length"], unhex(case["salt"]))
    assert made == unhex(case["derived"])


@pytest.mark.parametrize("case", VECTORS["texts"], ids=lambda case: case["value"])
def test_tokens_stay_what_they_are(case: dict[str, Any]) -> None:
    sealer = TextSealer([(case["id"], unhex(case["key"]))], TEXT_PURPOSE, case["tenant"], unhex(case["salt"]))
    assert encrypted(sealer, case["entity"], case["value"]) == case["token"]
    assert revealed(f"see {case['token']}.", sealer.open) == (f"see {case['value']}.", 0)


@pytest.mark.parametrize("case", VECTORS["envelopes"], ids=lambda case: case["case"])
def test_envelopes_stay_what_they_are(case: dict[str, Any]) -> None:
    made = {"EntrySealer": EntrySealer, "RecordSealer": RecordSealer}[case["sealer"]]
    sealer = made({case["number"]: unhex(case["key"])}, case["number"])
    assert sealer.open(base64.b64decode(case["sealed"]), unhex(case["aad"])) == unhex(case["plain"])


def test_files_stay_what_they_are(tmp_path: Path) -> None:
    case = VECTORS["files"]
    path = tmp_path / "keys.json"
    for file, text in ((path, case["keyset"]), (salts_file(path), case["salts"])):
        file.touch(0o600)
        file.write_text(text)
    keyring = Keyring.open(path, unhex(case["master"]), clock=lambda: case["now"])
    token, entry = base64.b64decode(case["token"]), base64.b64decode(case["entry"])
    assert keyring.texts("acme").seal(b"Ada", b"PERSON") == token
    assert keyring.texts("acme").open(token, b"PERSON") == b"Ada"
    assert keyring.entries("cache", "acme", "ada").open(entry, b"place") == b"Hi"
    assert keyring.secret("p") == unhex(case["secret"])
    assert keyring.tenant_secret("p", "acme", "ada") == unhex(case["tenant_secret"])
    assert salts_file(path).read_text() == case["salts"]
