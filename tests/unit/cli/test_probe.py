"""`gateway probe` as scripts use it, before a scripted model that knows one document by heart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.gateway import Done, gateway
from tests.support.upstream import Background, ScriptedUpstream, chunks, stream, text_completion

KNOWN = " ".join(f"known{n}" for n in range(40))
UNKNOWN = " ".join(f"unknown{n}" for n in range(40))


@pytest.fixture
def model() -> Iterator[ScriptedUpstream]:
    with Background(ScriptedUpstream()) as upstream:
        upstream.handler = recite
        yield upstream


@pytest.fixture
def filtered() -> Iterator[ScriptedUpstream]:
    with Background(ScriptedUpstream()) as upstream:
        upstream.handler = stopped
        yield upstream


def continuation(body: dict[str, Any]) -> str:
    prompt = str(body["messages"][-1]["content"] if "messages" in body else body["prompt"])
    return KNOWN[len(prompt) :] if KNOWN.startswith(prompt) else "I do not know that one."


async def answered(request: web.Request, body: dict[str, Any], text: str, finish: str = "stop") -> web.StreamResponse:
    assert request.headers["cache-control"] == "no-store"
    events = chunks([text[:9], text[9:]], finish=finish)
    if "messages" not in body:
        events = [
            {"choices": [{"index": 0, "text": c["delta"].get("content", ""), "finish_reason": c["finish_reason"]}]}
            for event in events
            for c in event["choices"]
        ]
    return await stream(request, events)


async def recite(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    if body.get("echo"):
        prompts = body["prompt"]
        choices = [
            {"index": at, "text": text, "logprobs": {"token_logprobs": [None, -float(at), -1.0]}}
            for at, text in enumerate(prompts)
        ]
        return web.json_response({"choices": choices[::-1]})
    return await answered(request, body, continuation(body))


async def stopped(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    text = continuation(body)
    if text.strip().startswith("known"):
        return await answered(request, body, " ".join(text.split()[:3]), "content_filter")
    return await answered(request, body, text)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.jsonl"
    lines = [{"id": "known", "text": KNOWN}, {"id": "unknown", "text": UNKNOWN}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def probe(model: ScriptedUpstream, *arguments: object) -> Done:
    return gateway("probe", "--base-url", model.url, "--model", "m", *map(str, arguments))


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_what_a_model_has_memorised(model: ScriptedUpstream, documents: Path, tmp_path: Path, kind: str) -> None:
    figures, page, text = tmp_path / "p.json", tmp_path / "p.html", tmp_path / "p.md"
    files = ["--json", figures, "--html", page, "--markdown", text]
    done = probe(model, "--documents", documents, "--kind", kind, *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 of 2 documents can be extracted from the model." in done.stdout
    made = json.loads(figures.read_text())
    assert made["sides"]["direct"]["extractable"] == 1
    assert made["sides"]["direct"]["longest_run"] == 32
    assert made["command"].startswith(f"gateway probe --base-url {model.url} --model m --documents {documents}")
    assert f"--kind {kind}" in made["command"] or kind == "completion"
    assert len(model.bodies) == 4
    assert all(body["temperature"] == 0 for body in model.bodies)
    for shown in (done.stdout, figures.read_text(), page.read_text(), text.read_text()):
        assert "known9" not in shown


def test_texts_are_shown_if_asked_for(model: ScriptedUpstream, documents: Path) -> None:
    done = probe(model, "--documents", documents, "--show")
    assert "[known] direct: known8 known9" in done.stdout


def test_a_filter_that_stops_answers_lets_nothing_be_extracted(
    model: ScriptedUpstream, filtered: ScriptedUpstream, documents: Path
) -> None:
    done = probe(model, "--documents", documents, "--filtered-url", filtered.url, "--json", "-")
    assert done.returncode == 0
    side = json.loads(done.stdout)["sides"]["filtered"]
    assert (side["extractable"], side["stopped"], side["run_before_stop"]) == (0, 2, 3)
    asked = [sorted(body["prompt"] for body in server.bodies) for server in (model, filtered)]
    assert asked[0] == asked[1]


def test_a_filter_that_lets_documents_out_is_exit_code_1(model: ScriptedUpstream, documents: Path) -> None:
    done = probe(model, "--documents", documents, "--filtered-url", model.url, "--filtered-model", "other")
    assert done.returncode == 1
    assert "1 of 2 documents through the filter." in done.stdout
    assert {body["model"] for body in model.bodies} == {"m", "other"}


def test_a_filter_that_refuses_has_stopped_the_answer(
    model: ScriptedUpstream, filtered: ScriptedUpstream, documents: Path
) -> None:
    filtered.answers({"error": {"code": "content_filter", "message": KNOWN}}, status=400)
    done = probe(model, "--documents", documents, "--filtered-url", filtered.url, "--json", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["sides"]["filtered"]["stopped"] == 4
    assert "known9" not in done.stdout


def test_a_busy_server_is_asked_again(model: ScriptedUpstream, documents: Path) -> None:
    turns = iter([429, 503])

    async def busy(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if status := next(turns, None):
            return web.json_response({}, status=status, headers={"retry-after": "0"})
        return await recite(request, body)

    model.handler = busy
    done = probe(model, "--documents", documents, "--jobs", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(model.bodies) == 6


def test_requests_that_fail_are_told_and_quote_nothing(model: ScriptedUpstream, documents: Path) -> None:
    async def partly(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if "unknown0" in body["prompt"]:
            return web.json_response({"error": {"message": body["prompt"]}}, status=500)
        return await recite(request, body)

    model.handler = partly
    done = probe(model, "--documents", documents)
    assert done.returncode == 3
    assert done.stderr == "direct: 2 requests failed: it refused with status 500\n"


def test_nothing_but_failures_is_exit_code_2(model: ScriptedUpstream, documents: Path) -> None:
    model.answers({}, status=500)
    assert probe(model, "--documents", documents).returncode == 2


def test_a_stream_that_breaks_off_has_said_something(model: ScriptedUpstream, documents: Path) -> None:
    async def broken(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        events: list[dict[str, Any]] = [{"choices": [{"text": continuation(body)}]}, {"error": {"message": "x"}}]
        return await stream(request, events)

    model.handler = broken
    done = probe(model, "--documents", documents, "--filtered-url", model.url)
    assert done.returncode == 1
    assert "4 requests failed: it broke off an answer with an error" in done.stderr


def test_a_server_that_does_not_stream_is_understood(model: ScriptedUpstream, documents: Path) -> None:
    async def whole(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(text_completion(continuation(body)))

    model.handler = whole
    assert "1 of 2 documents" in probe(model, "--documents", documents).stdout


def test_keys_instruction_samples_and_positions(model: ScriptedUpstream, documents: Path, tmp_path: Path) -> None:
    keys: list[str | None] = []

    async def note(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        keys.append(request.headers.get("authorization"))
        return await recite(request, body)

    model.handler = note
    key = tmp_path / "key"
    key.write_text("secret-key\n")
    more = ["--samples", 2, "--temperature", 0.7, "--positions", 2, "--prefix-words", 8, "--key-file", key]
    done = probe(model, documents, *more, "--instruction", "Go on:", "--json", "-")
    assert done.returncode == 0
    assert "secret-key" not in done.stdout + done.stderr
    assert set(keys) == {"Bearer secret-key"}
    assert sorted(body["seed"] for body in model.bodies) == [0] * 4 + [1] * 4
    assert all(body["prompt"].startswith("Go on:\n\n") for body in model.bodies)


def test_folders_documents_with_the_same_id_and_short_ones(model: ScriptedUpstream, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(KNOWN)
    (folder / "b.txt").write_text("too short")
    (folder / "c.jsonl").write_text(
        json.dumps({"id": "x", "text": KNOWN}) * 1 + "\n" + json.dumps({"id": "x", "text": UNKNOWN})
    )
    done = probe(model, folder, "--json", "-")
    made = json.loads(done.stdout)
    assert [one["id"] for one in made["documents"]] == [f"{folder}/a.txt", "x", "x#2"]
    assert made["too_short"] == [f"{folder}/b.txt"]
    assert (done.returncode, done.stderr) == (
        0,
        "Left out, since too short for these prompts: 1 of the documents.\n",
    )


def test_an_index_and_canaries(model: ScriptedUpstream, documents: Path, tmp_path: Path) -> None:
    keyset, index, canaries = tmp_path / "keys.json", tmp_path / "c.gri", tmp_path / "canaries.yaml"
    assert gateway("key", "init", str(keyset)).returncode == 0
    built = gateway("index", "build", str(documents), "-o", str(index), "--keyset", str(keyset), "--jobs", "1")
    assert built.returncode == 0, built.stderr
    made = gateway("canary", "make", "--count", "2", "--canaries", str(canaries), "--keyset", str(keyset))
    phrase = made.stdout.splitlines()[0].split("\t")[1]
    more = ["--index", index, "--canaries", canaries, "--keyset", keyset, "--alternatives", 6]
    done = probe(model, documents, *more, "--json", "-")
    figures = json.loads(done.stdout)
    side = figures["sides"]["direct"]
    assert (side["known"], side["extracted_answers"], side["extracted_unknown"]) == (2, 2, 0)
    first, second = figures["canaries"]
    assert first["extracted"] == {"direct": False}
    assert (first["exposure"]["rank"], first["exposure"]["phrases"], first["exposure"]["bits"]) == (
        1,
        7,
        pytest.approx(2.807, abs=0.001),
    )
    assert second["exposure"]["rank"] == 1, "only what was planted nowhere is compared with"
    assert phrase not in done.stdout + done.stderr


def test_a_server_without_log_probabilities(model: ScriptedUpstream, tmp_path: Path) -> None:
    async def plain(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if body.get("echo"):
            return web.json_response({}, status=400)
        return await recite(request, body)

    model.handler = plain
    keyset, canaries = tmp_path / "keys.json", tmp_path / "canaries.yaml"
    gateway("key", "init", str(keyset))
    gateway("canary", "make", "--canaries", str(canaries), "--keyset", str(keyset))
    done = probe(model, "--canaries", canaries, "--keyset", keyset)
    assert done.returncode == 0
    assert done.stderr == "No exposure of canaries: it refused with status 400.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "2", "DOCUMENTS"], "all are the same at temperature 0"),
        (["--filtered-model", "m", "DOCUMENTS"], "need --filtered-url"),
        (["missing.txt"], "there is no such file"),
        ([], "there is nothing to probe with"),
        (["--key-file", "missing", "DOCUMENTS"], "missing: cannot be read"),
        (["--html", "missing/page.html", "DOCUMENTS"], "name a file in a folder that is there"),
        (["--filtered-url", "http://u:p@host/v1", "DOCUMENTS"], "keys are for --key-file"),
        (["--filtered-url", "ftp://host/v1", "DOCUMENTS"], "looks like http"),
        (["--filtered-url", "http://127.0.0.1:9/v1", "DOCUMENTS"], "it cannot be reached"),
        (["--index", "missing.gri", "--keyset", "missing.json", "DOCUMENTS"], "missing"),
    ],
)
def test_what_cannot_be_asked_is_exit_code_2(
    model: ScriptedUpstream, documents: Path, arguments: list[str], message: str
) -> None:
    done = probe(model, *(str(documents) if one == "DOCUMENTS" else one for one in arguments))
    assert done.returncode == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert model.bodies == []
