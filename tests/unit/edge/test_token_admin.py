"""The HTTP side of tokens that are minted at run time: who may, what they are shown, and what is told of it."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.access.principal import Principal
from gateway.access.token import parse
from gateway.edge.body import Headers
from gateway.edge.token_admin import OneToken, Rotation, Tokens
from gateway.errors import NotReady
from gateway.observe.events import ExchangeEvent
from tests.unit.access.token_scene import Breakable, Worker, filed, worker


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    document: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.document["error"]["code"])


_POLICY = SimpleNamespace(digest="digest")
POLICIES = SimpleNamespace(default=_POLICY, of=lambda _: _POLICY)


@dataclass
class Site:
    worker: Worker
    boss: str
    told: list[ExchangeEvent] = field(default_factory=list)

    unrecorded: bool = False

    def check(self) -> None:
        if self.unrecorded:
            raise NotReady("Nothing can be written down.")

    async def ask(
        self, method: str, path: str, body: object = b"", *, token: str | None = None, query: bytes = b""
    ) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()

        async def authenticate(_scope: Mapping[str, Any], headers: Headers) -> Principal:
            return await self.worker.entrance.principal(headers.get(b"authorization"))

        service: Any = SimpleNamespace(
            authenticate=authenticate,
            observer=SimpleNamespace(exchange_done=self.told.append),
            policies=POLICIES,
            clock=lambda: 0.0,
            settings=SimpleNamespace(body_timeout=5.0),
            recording=SimpleNamespace(check=self.check),
        )
        parts = path.split("/")[3:]
        endpoint = (Tokens, OneToken, Rotation)[len(parts)](service, self.worker.desk)
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": raw}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        headers = [(b"authorization", f"Bearer {self.boss if token is None else token}".encode())]
        scope = {"method": method, "headers": headers, "query_string": query, "path_params": {"id": "".join(parts[:1])}}
        await endpoint(scope, receive, send)
        start, end = sent
        return Answer(start["status"], dict(start["headers"]), json.loads(end["body"]))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    with worker(tmp_path, Breakable()) as made:
        boss = filed(made.tokens_file, scopes=["chat", "completions", "admin:tokens", "docs:hr"], subject="boss")
        made.clock.now += 2
        await made.revocations.refresh()
        yield Site(made, boss.text)


async def test_a_token_is_minted_shown_once_and_used(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asked = {"subject": "jane", "scopes": ["chat", "docs:hr"], "limits": {"concurrent": 2}, "expires_in": 3600}
    answer = await site.ask("POST", "/admin/tokens", asked)
    assert answer.status == 201
    assert answer.headers[b"cache-control"] == b"no-store"
    text = answer.document.pop("token")
    token = parse(text)
    assert token is not None
    assert token.id == answer.document["id"]
    assert answer.document["limits"] == {"concurrent": 2}
    assert answer.document["tenant"] == "acme"
    assert (await site.worker.who(token)).subject == "jane"
    listed = await site.ask("GET", "/admin/tokens")
    assert listed.headers[b"cache-control"] == b"no-store"
    assert [each["source"] for each in listed.document["data"]] == ["api", "file"]
    shown = json.dumps([listed.document, answer.document]) + caplog.text + repr(site.told)
    record = await site.worker.tokens.read(token.id)
    assert record is not None
    for secret in (text, text[13:56], record.sha256, site.boss):
        assert secret not in shown


async def test_a_token_is_rotated_and_revoked(site: Site) -> None:
    first = (await site.ask("POST", "/admin/tokens", {})).document
    second = await site.ask("POST", f"/admin/tokens/{first['id']}/rotate", {"overlap": 600})
    assert (second.status, second.document["id"]) == (200, first["id"])
    assert second.document["old_secret_until"]
    third = await site.ask("POST", f"/admin/tokens/{first['id']}/rotate")
    assert third.document["old_secret_until"] is None
    for text, good in ((first["token"], False), (second.document["token"], False), (third.document["token"], True)):
        answer = await site.ask("GET", "/admin/tokens", token=text)
        assert answer.code == ("scope_missing" if good else "invalid_api_key")
    gone = await site.ask("DELETE", f"/admin/tokens/{first['id']}")
    assert (gone.status, gone.document) == (200, {"object": "token.revoked", "id": first["id"]})
    assert (await site.ask("GET", "/admin/tokens", token=third.document["token"])).code == "invalid_api_key"
    assert (await site.ask("DELETE", f"/admin/tokens/{first['id']}")).status == 404


async def test_without_the_scope_nothing_is_done_whatever_the_body(site: Site) -> None:
    token = (await site.ask("POST", "/admin/tokens", {})).document
    for method, path in (
        ("POST", "/admin/tokens"),
        ("GET", "/admin/tokens"),
        ("DELETE", f"/admin/tokens/{token['id']}"),
        ("POST", f"/admin/tokens/{token['id']}/rotate"),
    ):
        assert (await site.ask(method, path, b"x" * 10**6, token=token["token"])).code == "scope_missing"
        assert (await site.ask(method, path, token="")).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[", 400),
        (b"[]", 400),
        (b"x" * (1 << 16), 400),
        (b" " * (1 << 16) + b"{", 413),
        (b"[" * 50_000, 400),
        (b'{"scopes": ["chat"], "scopes": ["chat"]}', 400),
        (b"{" + b'"limits":{' * 5000, 400),
        ({"scopes": ["reveal"]}, 403),
        ({"scopes": ["admin:cache"]}, 403),
        ({"models": [{}]}, 400),
        ({"tenant": "globex"}, 400),
        ({"subject": "token abcdefgh"}, 400),
        ({"limits": {"concurrent": 2**63}}, 400),
        ({"networks": ["10.0.0.0/8"] * 1000}, 400),
    ],
    ids=range(14),
)
async def test_a_wrong_body_mints_nothing(site: Site, body: object, status: int) -> None:
    answer = await site.ask("POST", "/admin/tokens", body)
    assert (answer.status, "token" in answer.document) == (status, False)
    assert [each["source"] for each in (await site.ask("GET", "/admin/tokens")).document["data"]] == ["file"]


@pytest.mark.parametrize("body", [{"overlap": -1}, {"overlap": True}, {"overlap": "24h"}, {"overlap": 1.5}, {"x": 1}])
async def test_a_wrong_overlap_rotates_nothing(site: Site, body: object) -> None:
    token = (await site.ask("POST", "/admin/tokens", {})).document
    assert (await site.ask("POST", f"/admin/tokens/{token['id']}/rotate", body)).code == "invalid_value"
    assert (await site.ask("GET", "/admin/tokens", token=token["token"])).code == "scope_missing"


async def test_a_query_is_refused_rather_than_not_read(site: Site) -> None:
    assert (await site.ask("GET", "/admin/tokens", query=b"tenant=globex")).code == "invalid_value"


async def test_each_act_is_told_as_what_became_of_it_and_without_ids_in_its_name(site: Site) -> None:
    token = (await site.ask("POST", "/admin/tokens", {})).document
    await site.ask("POST", f"/admin/tokens/{token['id']}/rotate", {"overlap": -1})
    await site.ask("DELETE", f"/admin/tokens/{token['id']}")
    await site.ask("GET", "/admin/tokens", token="")
    assert [(event.endpoint, event.status, event.code, event.tenant, event.kind) for event in site.told] == [
        ("POST /admin/tokens", 201, "", "acme", "admin"),
        ("POST /admin/tokens/{id}/rotate", 400, "invalid_value", "acme", "admin"),
        ("DELETE /admin/tokens/{id}", 200, "", "acme", "admin"),
        ("GET /admin/tokens", 401, "invalid_api_key", "", "admin"),
    ]


async def test_what_cannot_be_written_down_is_not_done(site: Site) -> None:
    site.unrecorded = True
    assert (await site.ask("POST", "/admin/tokens", {})).status == 503
    site.unrecorded = False
    assert len((await site.ask("GET", "/admin/tokens")).document["data"]) == 1


async def test_an_act_that_breaks_is_not_told_as_done(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.worker.desk, "_tokens", None)
    answer = await site.ask("POST", "/admin/tokens", {})
    assert answer.status == 503
    assert answer.headers[b"x-request-id"].decode() == site.told[0].request_id
    assert [event.status for event in site.told] == [503]


async def test_while_the_store_fails_every_act_is_a_503(site: Site) -> None:
    token = (await site.ask("POST", "/admin/tokens", {})).document
    store = site.worker.store
    assert isinstance(store, Breakable)
    store.broken = True
    for method, path in (
        ("POST", "/admin/tokens"),
        ("GET", "/admin/tokens"),
        ("DELETE", f"/admin/tokens/{token['id']}"),
        ("POST", f"/admin/tokens/{token['id']}/rotate"),
    ):
        answer = await site.ask(method, path)
        assert (answer.status, answer.code) == (503, "not_ready")
        assert answer.headers[b"retry-after"]
