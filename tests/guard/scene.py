"""A gateway with a policy for answers, the model behind it, and clients that read what leaves as SDKs do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from gateway.access.token import mint as new_token
from gateway.access.token_file import TokenRecord, edit_tokens
from tests.faults.wire import CHAT, COMPLETIONS, Answer, ask, wait_for
from tests.guard.texts import CONTRACT, HANDBOOK, LEAFLET, LICENCE
from tests.support.gateway import GatewayProcess, gateway, mint, start_gateway
from tests.support.upstream import Background, Handler, ScriptedUpstream, stream

Said = dict[str, Any]
"""What the model says in one choice: `content`, `reasoning`, `refusal`, `tool_calls`, `logprobs`."""
PIECE_CHARS = 5
_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


@dataclass(frozen=True)
class Kept:
    """What was made once for all gateways: a keyset, an index, canaries and a text that may be quoted."""

    directory: Path
    keyset: Path
    phrases: dict[str, str] = field(repr=False)


def make_kept(directory: Path) -> Kept:
    keyset = directory / "keys.json"
    done = gateway("key", "init", str(keyset))
    assert done.returncode == 0, done.stderr
    documents: list[dict[str, Any]] = [
        {"id": "leaflet", "text": LEAFLET, "public": True},
        {"id": "handbook", "text": HANDBOOK, "scopes": ["docs:hr"]},
        {"id": "contract", "text": CONTRACT},
        # Quotes a public document and a licence, which may be quoted all the same.
        {"id": "report", "text": f"The auditors found the following on the wall. {LEAFLET} And above it. {LICENCE}"},
    ]
    (directory / "documents.jsonl").write_text("".join(json.dumps(one) + "\n" for one in documents))
    (directory / "licence.txt").write_text(LICENCE)
    keys = ("--keyset", str(keyset))
    built = gateway(
        "index", "build", str(directory / "documents.jsonl"), "-o", str(directory / "corpus.gri"), "--jobs", "1", *keys
    )
    assert built.returncode == 0, built.stderr
    made = gateway("canary", "make", "--count", "2", "--canaries", str(directory / "canaries.yaml"), *keys)
    assert made.returncode == 0, made.stderr
    return Kept(directory, keyset, dict(line.split("\t") for line in made.stdout.splitlines()))


@dataclass
class Choice:
    """One choice as a client puts it together."""

    texts: dict[str, str] = field(default_factory=dict)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    logprobs: list[Any] = field(default_factory=list)
    finish: str | None = None

    @property
    def text(self) -> str:
        return self.texts.get("content", "")


@dataclass
class Got:
    """What a client got."""

    status: int
    body: str = field(repr=False)
    request_id: str
    cache: str
    choices: dict[int, Choice] = field(default_factory=dict)
    usage: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        return self.choices[0].text

    @property
    def finish(self) -> str | None:
        return self.choices[0].finish


@dataclass
class Guarded:
    """A running gateway, its model, and people nobody has been before: what was said to one is remembered."""

    gateway: GatewayProcess
    upstream: ScriptedUpstream
    kept: Kept
    people: Iterator[str]
    tokens: dict[str, str]

    def somebody(self) -> str:
        """A token of a person of the tenant acme who has asked nothing so far."""
        return next(self.people)

    @property
    def asked(self) -> int:
        """How often the model has been asked."""
        return len(self.upstream.bodies)

    def says(self, *choices: str | Said, interleaved: bool = False) -> None:
        """What the model says to all that follows, whole or streamed."""
        self.says_in_turn([*choices], interleaved=interleaved)

    def says_in_turn(self, *answers: Sequence[str | Said], interleaved: bool = False) -> None:
        """The answers to the first request, the second and so on; the last goes on."""
        self.upstream.reset()
        scripts = [[_said(choice) for choice in answer] for answer in answers]

        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            choices = scripts[min(len(self.upstream.bodies), len(scripts)) - 1]
            if request.path.endswith(COMPLETIONS):
                return await _complete(request, body, choices)
            if not body.get("stream"):
                return web.json_response(_whole(choices))
            return await stream(request, list(_events(choices, body, interleaved=interleaved)))

        self.upstream.handler = answer

    def does(self, handler: Handler) -> None:
        self.upstream.reset()
        self.upstream.handler = handler

    def ask(self, content: str = "What is in the files?", *, who: str | None = None, **fields: Any) -> Got:
        """`who`: a token; somebody new if it is missing. `messages` and other fields go into the body."""
        messages = fields.pop("messages", [{"role": "user", "content": content}])
        return self._sent({"model": "llama", "messages": messages, **fields}, CHAT, who)

    def complete(self, prompt: Any = "Once upon a time", *, who: str | None = None, **fields: Any) -> Got:
        return self._sent({"model": "llama", "prompt": prompt, **fields}, COMPLETIONS, who)

    def _sent(self, body: dict[str, Any], path: str, who: str | None) -> Got:
        headers = {"authorization": f"Bearer {who or self.somebody()}"}
        answer = ask(self.gateway, body, path=path, headers=headers)
        return read_stream(answer) if body.get("stream") and answer.status == 200 else read_whole(answer)

    def findings(self, got: Got) -> list[dict[str, Any]]:
        """What the audit log has of an exchange, without what was hidden in the prompt."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            whole_lines = self.gateway.audit.read_text().rpartition("\n")[0]
            lines = [json.loads(line) for line in whole_lines.splitlines()]
            mine = [line for line in lines if line["request_id"] == got.request_id]
            found[:] = [finding for line in mine for finding in line["findings"]]
            return bool(mine)

        assert wait_for(is_there, 5)
        return [finding for finding in found if finding["stage"] != "redact"]


def _said(choice: str | Said) -> Said:
    return {"content": choice} if isinstance(choice, str) else choice


def call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def _finish(said: Said) -> str:
    return "tool_calls" if said.get("tool_calls") else "stop"


def _whole(choices: Sequence[Said]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion",
        "created": 1750000000,
        "model": "upstream-model",
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": None, **_without(said, "logprobs")},
                "logprobs": said.get("logprobs"),
                "finish_reason": _finish(said),
            }
            for index, said in enumerate(choices)
        ],
        "usage": _USAGE,
    }


def _without(said: Said, name: str) -> Said:
    return {key: value for key, value in said.items() if key != name}


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE_CHARS] for at in range(0, len(text), PIECE_CHARS)]


def _deltas(said: Said) -> Iterator[dict[str, Any]]:
    """In the order in which a model says them: thoughts first, calls last."""
    yield {"role": "assistant", "content": ""}
    for name in ("reasoning", "reasoning_content", "refusal", "content"):
        yield from ({name: piece} for piece in _pieces(said.get(name) or ""))
    for index, made in enumerate(said.get("tool_calls", ())):
        function = made["function"]
        yield {"tool_calls": [{**made, "index": index, "function": {"name": function["name"], "arguments": ""}}]}
        for piece in _pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _chunk(choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-upstream", "object": "chat.completion.chunk", "created": 1, "choices": choices, **more}


def _events(choices: Sequence[Said], body: dict[str, Any], *, interleaved: bool) -> Iterator[dict[str, Any]]:
    rows: list[list[dict[str, Any]]] = []
    for index, said in enumerate(choices):
        row: list[dict[str, Any]] = [{"delta": delta, "finish_reason": None} for delta in _deltas(said)]
        row += [{"delta": {}, "logprobs": one, "finish_reason": None} for one in _tokens(said)]
        row.append({"delta": {}, "finish_reason": _finish(said)})
        rows.append([{"index": index, **choice} for choice in row])
    if interleaved:
        for at in range(max(map(len, rows))):
            yield from (_chunk([row[at]]) for row in rows if at < len(row))
    else:
        yield from (_chunk([choice]) for row in rows for choice in row)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _chunk([], usage=_USAGE)


def _tokens(said: Said) -> Iterator[dict[str, Any]]:
    for token in (said.get("logprobs") or {}).get("content", ()):
        yield {"content": [token]}


async def _complete(request: web.Request, body: dict[str, Any], choices: Sequence[Said]) -> web.StreamResponse:
    document: dict[str, Any] = {"id": "cmpl-upstream", "object": "text_completion", "created": 1}
    if not body.get("stream"):
        made = [
            {"index": index, "text": said["content"], "finish_reason": "stop", "logprobs": said.get("logprobs")}
            for index, said in enumerate(choices)
        ]
        return web.json_response({**document, "choices": made, "usage": _USAGE})
    events: list[dict[str, Any]] = []
    for index, said in enumerate(choices):
        ends: list[tuple[str, str | None]] = [*((piece, None) for piece in _pieces(said["content"])), ("", "stop")]
        for piece, finish in ends:
            made = [{"index": index, "text": piece, "finish_reason": finish, "logprobs": None}]
            events.append({**document, "choices": made})
    return await stream(request, events)


# ------------------------------------------------------------------ what a client makes of it
def read_whole(answer: Answer) -> Got:
    got = _got(answer)
    if answer.status == 200:
        document = answer.document
        got.usage = document.get("usage")
        for raw in document["choices"]:
            assert raw["index"] not in got.choices
            assert raw["finish_reason"] is not None
            _take(got, raw, raw.get("message") or {"content": raw["text"]})
    return got


def read_stream(answer: Answer) -> Got:
    """Fails where a client would stumble: no end mark, a choice that goes on after its end, two announcements."""
    got = _got(answer)
    assert answer.events[-1] == "[DONE]", answer.body[-300:]
    ids = set()
    announced: list[int] = []
    for event in answer.events[:-1]:
        document = json.loads(event)
        assert "error" not in document, document
        ids.add(document["id"])
        got.usage = document.get("usage") or got.usage
        for raw in document["choices"]:
            known = got.choices.get(raw["index"])
            assert known is None or known.finish is None, "a choice goes on after its end"
            delta = raw.get("delta", {"content": raw.get("text", "")})
            if "role" in delta:
                announced.append(raw["index"])
            _take(got, raw, delta)
    assert len(ids) == 1
    assert len(announced) == len(set(announced)), "it was said twice who speaks"
    assert all(choice.finish is not None for choice in got.choices.values())
    return got


def _got(answer: Answer) -> Got:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Got(answer.status, answer.body.decode(), headers["x-request-id"], headers.get("x-cache", ""))


def _take(got: Got, raw: dict[str, Any], said: dict[str, Any]) -> None:
    choice = got.choices.setdefault(raw["index"], Choice())
    for name in ("content", "reasoning", "reasoning_content", "refusal"):
        if said.get(name):
            choice.texts[name] = choice.texts.get(name, "") + said[name]
    for position, made in enumerate(said.get("tool_calls") or ()):
        known = choice.calls.setdefault(made.get("index", position), {"name": "", "arguments": ""})
        for name in known:
            known[name] += (made.get("function") or {}).get(name) or ""
    if raw.get("logprobs"):
        choice.logprobs.append(raw["logprobs"])
    choice.finish = raw["finish_reason"] or choice.finish


# ------------------------------------------------------------------ gateways
def policy(**parts: Any) -> dict[str, Any]:
    """A policy in which only what is asked for is looked for in answers."""
    nothing = {
        "system_prompt": "allow",
        "pii": {"default": "allow", "entities": dict.fromkeys(("PERSON", "LOCATION", "IP_ADDRESS"), "allow")},
        "secrets": {"formats": "allow", "guessed": "allow"},
        "links": {"action": "allow"},
    }
    return {
        "version": 1,
        "name": "guard",
        "models": {"llama": {"id": "tiny-llama"}},
        "redact": {
            "languages": ["en"],
            "nlp": {"engine": "patterns"},
            "threshold": 0.4,
            "recognizers": [{"entity": "EMPLOYEE_ID", "pattern": r"E-\d{6}", "score": 0.8}],
            "allow": ["support@example.com"],
            "deny": [{"entity": "PERSON", "text": ["Ada Lovelace"]}],
        },
        "cache": parts.pop("cache", {"when": "never"}),
        "answers": {**nothing, **parts},
    }


def _people(tokens: Path, count: int) -> list[str]:
    """Tokens of many people, written at once: `gateway token mint` writes the file for each."""
    made = [new_token() for _ in range(count)]
    now = datetime.now(UTC)
    with edit_tokens(tokens) as records:
        for number, token in enumerate(made):
            records[token.id] = TokenRecord(
                id=token.id, sha256=token.digest, tenant="acme", subject=f"person{number}", created=now
            )
    return [token.text for token in made]


REGURGITATION = {"index": ["corpus.gri"], "allow": ["licence.txt"]}


@contextmanager
def guarded(
    kept: Kept, directory: Path, *, people_count: int = 330, metrics_port: int = 0, **parts: Any
) -> Iterator[Guarded]:
    """A gateway of its own under a policy with these `answers`. The files that it names stand beside it."""
    for name in ("corpus.gri", "licence.txt", "canaries.yaml"):
        (directory / name).symlink_to(kept.directory / name)
    path = directory / "policy.yaml"
    path.write_text(yaml.safe_dump(policy(**parts)), "utf-8")
    tokens = directory / "tokens.yaml"
    asking = ("--scope", "chat", "--scope", "completions")
    named = {
        "hr": mint(tokens, "acme", "--subject", "hr", *asking, "--scope", "docs:hr"),
        "law": mint(tokens, "acme", "--subject", "law", *asking, "--scope", "docs:law"),
        "nobody": mint(tokens, "acme"),
        "nobody else": mint(tokens, "acme"),
        # Of the same name as somebody in another tenant.
        "stranger": mint(tokens, "globex", "--subject", "hr"),
    }
    people = _people(tokens, people_count)
    with Background(ScriptedUpstream()) as upstream:
        running = start_gateway(directory, upstream.url, path, "--keyset", str(kept.keyset), metrics_port=metrics_port)
        try:
            yield Guarded(running, upstream, kept, iter(people), named)
        finally:
            running.stop()
