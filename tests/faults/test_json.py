"""Bodies that are not the JSON of a request: refused as such, unquoted, and never sent on."""

from __future__ import annotations

import json
import select
import time

import pytest

from tests.faults.wire import CANARY, COMPLETIONS, ask, assert_error, chat, connected, head, read_answer
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

VALID = json.dumps(chat(f"{CANARY} @"))


def _with(text: str) -> str:
    """A valid body with raw JSON text in the place of a value."""
    return '{"model": "llama", "messages": [{"role": "user", "content": "' + CANARY + '"}], "seed": ' + text + "}"


NOT_JSON = {
    "empty": b"",
    "spaces only": b"   \n",
    "a word": CANARY.encode(),
    "cut off": VALID[:-3].encode(),
    "text after the end": f"{VALID} {CANARY}".encode(),
    "two documents": f"{VALID}\n{VALID}".encode(),
    "single quotes": VALID.replace('"', "'").encode(),
    "trailing comma": VALID.replace("}]", "},]").encode(),
    "a comment": f"/* {CANARY} */ {VALID}".encode(),
    "an array": f"[{VALID}]".encode(),
    "a string": json.dumps(CANARY).encode(),
    "a number": b"17",
    "null": b"null",
    "a form": f"model=llama&prompt={CANARY}".encode(),
    "invalid UTF-8": VALID.replace("@", "\udcff").encode("utf-8", "surrogateescape"),
    "overlong UTF-8": VALID.encode().replace(b"@", b"\xc0\xaf"),
    "UTF-16": VALID.encode("utf-16"),
    "UTF-32": VALID.encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + VALID.encode(),
    "an escaped lone surrogate": VALID.replace("@", "\\ud800").encode(),
    "an escaped lone low surrogate": VALID.replace("@", "\\udc00x").encode(),
    "a raw lone surrogate": VALID.replace("@", "\ud800").encode("utf-8", "surrogatepass"),
    "a lone surrogate in a key": VALID.replace('"model"', '"\\udfff": 1, "model"').encode(),
    "an escaped NUL": VALID.replace("@", "\\u0000").encode(),
    "a raw NUL": VALID.replace("@", "\x00").encode(),
    "a raw line feed in a string": VALID.replace("@", "\n").encode(),
    "an unknown escape": VALID.replace("@", "\\q").encode(),
    "NaN": _with("NaN").encode(),
    "Infinity": _with("Infinity").encode(),
    "-Infinity": _with("-Infinity").encode(),
    "a float beyond all doubles": _with("1e400").encode(),
    "an integer of 65 bits": _with(str(2**64)).encode(),
    "a negative integer of 65 bits": _with(str(-(2**63) - 1)).encode(),
    "an integer of 5000 digits": _with("9" * 5000).encode(),
    "a number with a leading zero": _with("017").encode(),
    "a hexadecimal number": _with("0x11").encode(),
    "a key twice": VALID.replace('"model"', '"model": "other", "model"').encode(),
    "a key twice, once with an escape": VALID.replace('"model"', '"mod\\u0065l": "other", "model"').encode(),
    "a key twice, deep inside": VALID.replace('"role"', f'"{CANARY}": 1, "{CANARY}": 2, "role"').encode(),
    "10,000 arrays": _with("[" * 10_000 + "]" * 10_000).encode(),
    "10,000 objects": _with('{"a":' * 10_000 + "1" + "}" * 10_000).encode(),
    "10,000 arrays without an end": _with("[" * 10_000).encode(),
    "65 levels": _with("[" * 64 + "]" * 64).encode(),
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json_is_refused(gateway_process: GatewayProcess, upstream: ScriptedUpstream, body: bytes) -> None:
    assert_error(ask(gateway_process, body), 400, "invalid_json")
    assert not upstream.bodies


@pytest.mark.parametrize("case", ["cut off", "a byte order mark", "10,000 arrays"])
def test_the_other_endpoint_reads_as_strictly(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, case: str
) -> None:
    assert_error(ask(gateway_process, NOT_JSON[case], path=COMPLETIONS), 400, "invalid_json")
    assert not upstream.bodies


ACCEPTED = {
    "spaces around": f" \r\n\t{VALID} \n".encode(),
    "a surrogate pair": VALID.replace("@", "\\ud83d\\ude00").encode(),
    "an emoji": VALID.replace("@", "\N{GRINNING FACE}").encode(),
    "a text that explains the escape of NUL": VALID.replace("@", "write \\\\u0000 for it").encode(),
    "a noncharacter": VALID.replace("@", "\uffff").encode(),
    "60 levels": json.dumps(chat(CANARY, extra=json.loads("[" * 60 + "]" * 60))).encode(),
    "the largest integer of 64 bits": json.dumps(chat(CANARY, extra=2**64 - 1)).encode(),
}


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_unusual_but_valid_json_arrives_as_it_was_meant(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, body: bytes
) -> None:
    assert ask(gateway_process, body).status == 200
    assert upstream.bodies[0]["messages"] == json.loads(body)["messages"]


def test_a_body_that_declares_50_mb_is_refused_before_it_comes(gateway_process: GatewayProcess) -> None:
    with connected(gateway_process) as connection:
        connection.sendall(head(gateway_process, f"content-length: {50 * 2**20}"))
        assert_error(read_answer(connection), 413, "request_too_large")


def test_a_body_of_50_mb_in_chunks_is_refused_before_all_of_it_has_come(gateway_process: GatewayProcess) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with connected(gateway_process) as connection:
        connection.sendall(head(gateway_process, "transfer-encoding: chunked"))
        until = time.monotonic() + 20
        while not select.select([connection], [], [], 0)[0] and sent < 50 * 2**20:
            assert time.monotonic() < until
            connection.sendall(chunk)
            sent += 65536
        assert_error(read_answer(connection), 413, "request_too_large")
    assert sent < 50 * 2**20


def test_a_small_body_in_chunks_is_served(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    with connected(gateway_process) as connection:
        connection.sendall(head(gateway_process, "transfer-encoding: chunked"))
        for start in range(0, len(VALID), 10):
            piece = VALID[start : start + 10].encode()
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
        assert read_answer(connection).status == 200


def test_texts_that_are_too_long_together_are_refused(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    assert_error(ask(gateway_process, chat(f"{CANARY} " * 50_000)), 413, "request_too_large")
    assert not upstream.bodies


def test_too_many_texts_are_refused(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    assert_error(ask(gateway_process, chat(extra=["x"] * 20_001)), 413, "request_too_large")
    assert not upstream.bodies


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "gzip, identity", "x-" + CANARY])
def test_a_compressed_body_is_refused(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, encoding: str
) -> None:
    answer = ask(gateway_process, VALID, headers={**gateway_process.headers, "content-encoding": encoding})
    error = assert_error(answer, 400, "invalid_value")
    assert "Content-Encoding" in error["message"]
    assert not upstream.bodies


def test_a_content_type_other_than_json_does_not_matter(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    headers = {**gateway_process.headers, "content-type": "text/plain; charset=utf-16"}
    assert ask(gateway_process, VALID, headers=headers).status == 200
