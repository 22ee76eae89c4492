"""What the page asks of the gateway, asked without a browser: who gets what, and what is written down of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.access.principal import Scope
from tests.faults.wire import wait_for
from tests.page.scene import Site
from tests.support.gateway import GatewayProcess, mint
from tests.support.upstream import ScriptedUpstream, completion

pytestmark = pytest.mark.xdist_group("page")
FILES = ["", "/app.js", "/api.js", "/style.css", "/icon.svg", "/policy.schema.json"]
CALLS = [("GET", "session"), ("POST", "inspect"), ("POST", "ask"), ("POST", "try"), ("GET", "counts")]
TEXT = "I am Amara Okafor, card 4111 1111 1111 1111."


@pytest.mark.parametrize("path", [*FILES, *(f"/{name}" for _, name in CALLS)])
def test_without_the_setting_there_is_no_page(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, path: str
) -> None:
    with httpx.Client(trust_env=False) as client:
        for method in ("GET", "POST"):
            here = client.request(method, f"{gateway_process.url}/ui{path}", headers=gateway_process.headers)
            nowhere = client.request(method, f"{gateway_process.url}/nothing", headers=gateway_process.headers)
            assert (here.status_code, here.json()) == (404, nowhere.json())
            assert "content-security-policy" not in here.headers


@pytest.mark.parametrize("path", FILES)
def test_files_have_strict_headers_and_nothing_of_anybody(site: Site, path: str) -> None:
    answer = site.ask("GET", f"/ui{path}")
    assert answer.status_code == 200
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert "require-trusted-types-for 'script'" in answer.headers["content-security-policy"]
    wanted = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "x-frame-options": "DENY",
    }
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    # Nothing of the request comes back.
    reflected = site.ask("GET", f"/ui{path}?x=%3Cscript%3E&y=reflected-word", **{"x-word": "reflected-word"})
    assert reflected.content == answer.content


def test_only_the_paths_of_the_page_have_its_headers(site: Site) -> None:
    for path in ("/health/live", "/v1/models", "/ui/session", "/ui/nothing", "/ui/", "/ui/%61pp.js"):
        assert "content-security-policy" not in site.ask("GET", path).headers


def test_the_page_has_no_inline_script_or_style_and_is_small() -> None:
    folder = Path(__file__).parents[2] / "gateway" / "edge" / "page" / "static"
    html = (folder / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|https?://", html) == []
    for file in folder.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|Storage\b|document\.cookie|https?://(?!www\.w3\.org/2000/svg)",
            file.read_text(),
        ), file.name
    assert sum(file.stat().st_size for file in folder.iterdir()) < 68_000


@pytest.mark.parametrize(("method", "name"), CALLS)
def test_each_call_needs_a_token_with_the_scope_ui(site: Site, method: str, name: str) -> None:
    body: Any = {
        "inspect": {"text": "x"},
        "ask": {"model": "llama", "messages": [{"role": "user", "content": "x"}]},
        "try": {"policy": "x", "text": "x"},
    }.get(name)
    nobody = site.ask(method, f"/ui/{name}", body=body)
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "missing_api_key")
    for who in ("chatter", "admin"):
        refused = site.ask(method, f"/ui/{name}", who, body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "scope_missing"), who
    assert site.upstream.bodies == []


def test_what_needs_another_scope_needs_it_here_too(site: Site) -> None:
    assert site.chat("looker", "Hi.", "/ui/ask").json()["error"]["code"] == "scope_missing"
    assert site.chat("narrow", "Hi.", "/ui/ask").json()["error"]["code"] == "model_not_allowed"
    assert site.ask("POST", "/ui/try", "jane", {"policy": "", "text": ""}).status_code == 403
    assert site.ask("GET", "/ui/counts?all", "jane").status_code == 403
    assert site.ask("GET", "/ui/counts?tenant=globex", "operator").status_code == 400
    assert site.upstream.bodies == []


def test_a_token_for_the_page_is_good_for_the_page_alone(site: Site) -> None:
    assert site.chat("looker", "Hi.").status_code == 403
    for path in ("/admin/cache", "/admin/audit", "/v1/models"):
        assert site.ask("GET", path, "looker").status_code == 403
    assert site.ask("POST", "/admin/policy/check", "looker", {"policy": ""}).status_code == 403
    assert {Scope.UI, Scope.UI_ALL} == {"ui", "ui:all"}


def test_a_session_tells_what_the_bearer_may_know(site: Site) -> None:
    told = site.ask("GET", "/ui/session", "narrow").json()
    assert told["models"] == ["other"]
    assert (told["may_ask"], told["may_try"], told["sketch"]) == (True, False, "")
    assert site.ask("GET", "/ui/session", "looker").json()["models"] == []
    boss = site.ask("GET", "/ui/session", "boss").text
    # Nothing of the policy that is of others, or of the inside.
    for secret in ("Bluebird", "EMPLOYEE", "PROJECT", "initech", "tiny-llama", "upstream:", "limits"):
        assert secret not in boss.replace("upstreams and limits", "")


def test_inspections_count_as_requests_of_the_token(site: Site) -> None:
    tokens = site.process.directory / "tokens.yaml"
    site.tokens["limited"] = mint(tokens, "acme", "--scope=ui", "--limit", "requests_per_minute=3")

    def inspected() -> httpx.Response:
        return site.ask("POST", "/ui/inspect", "limited", {"text": "x"})

    # A token is known a moment after it was minted.
    assert wait_for(lambda: inspected().status_code == 200, 30)
    asked = [inspected() for _ in range(3)]
    assert [answer.status_code for answer in asked] == [200, 200, 429]
    assert asked[-1].json()["error"]["code"] == "rate_limit_exceeded"


def test_an_inspection_is_what_a_chat_would_send(site: Site) -> None:
    told = site.ask("POST", "/ui/inspect", "jane", {"text": TEXT})
    pieces = told.json()["pieces"]
    assert told.headers["cache-control"] == "no-store"
    assert "".join(piece["text"] for piece in pieces) == TEXT
    assert site.upstream.bodies == []
    assert site.chat("jane", TEXT).status_code == 200
    assert site.upstream.bodies[-1]["messages"][0]["content"] == "".join(
        piece.get("becomes", piece["text"]) for piece in pieces
    )


@pytest.mark.parametrize("body", [{}, {"text": 1}, {"text": "x", "tenant": "globex"}, [], "x", {"text": "\x00"}])
def test_anything_else_is_refused(site: Site, body: Any) -> None:
    answer = site.ask("POST", "/ui/inspect", "jane", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert site.ask("POST", "/ui/try", "boss", body).status_code == 400


def test_an_inspection_is_no_oracle_for_keyed_values(site: Site) -> None:
    """Else whoever has seen a hash could try all names in it, without asking a model once."""
    told = site.ask("POST", "/ui/inspect", "jane", {"text": "The project Bluebird."}).json()
    assert [piece["becomes"] for piece in told["pieces"] if "entity" in piece] == ["<PROJECT#…>"]
    sees = site.chat("jane", "The project Bluebird.", "/ui/ask").json()["inspection"]["sees"][0]["content"]
    assert re.fullmatch(r"The project <PROJECT#[0-9a-f]{16}>\.", sees)


def test_an_answer_is_that_of_a_chat_with_what_became_of_it(site: Site) -> None:
    site.upstream.says("Dear <PERSON_1>, <CREDIT_CARD> is fine. Ask bob@other-example.com.")
    plain, told = site.chat("jane", TEXT).json(), site.chat("jane", TEXT, "/ui/ask").json()
    inspection = told.pop("inspection")
    assert {**told, "id": "", "created": 0} == {**plain, "id": "", "created": 0}
    assert inspection["before"] == [
        {"choice": 0, "field": "content", "text": "Dear <PERSON_1>, <CREDIT_CARD> is fine. Ask [withheld]."}
    ]
    assert inspection["sees"] == site.upstream.bodies[-1]["messages"]
    assert {"stage": "pii", "kind": "EMAIL_ADDRESS", "action": "mask", "count": 1} in inspection["findings"]
    assert "bob@other" not in json.dumps([told, inspection])
    assert "4111" not in json.dumps([told, inspection])
    streamed = site.chat("jane", TEXT, "/ui/ask", stream=True)
    assert (streamed.status_code, streamed.json()["error"]["param"]) == (400, "stream")


def test_what_a_filter_stops_is_nowhere_in_the_answer(site: Site) -> None:
    key = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    site.upstream.says(f"Before. The key is {key} and behind it.")
    told = site.chat("jane", "Tell me.", "/ui/ask")
    assert told.json()["choices"][0]["finish_reason"] == "content_filter"
    assert told.json()["inspection"]["rules"] == ["answers.secrets"]
    assert key not in told.text
    assert "behind it" not in told.text


def test_logprobs_and_calls_of_tools_are_not_told_twice(site: Site) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": "<PERSON_1>"}'}}
    site.upstream.answers(completion(None, tool_calls=[call]))
    told = site.chat("jane", TEXT, "/ui/ask").json()
    assert told["inspection"]["before"] == []
    assert "Amara" in told["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]


def test_counts_are_of_the_own_tenant(site: Site) -> None:
    def exchanges(who: str, query: str = "") -> int:
        return sum(hour["exchanges"] for hour in site.ask("GET", f"/ui/counts{query}", who).json()["hours"])

    mine, theirs, all_of_them = exchanges("jane"), exchanges("other"), exchanges("operator", "?all")
    assert site.chat("jane", TEXT).status_code == 200
    assert (exchanges("jane"), exchanges("other"), exchanges("operator")) == (mine + 1, theirs, 0)
    assert exchanges("operator", "?all") == all_of_them + 1
    assert "acme" not in site.ask("GET", "/ui/counts?all", "operator").text
    # Looking is not counted.
    site.ask("POST", "/ui/inspect", "jane", {"text": TEXT})
    assert exchanges("jane") == mine + 1


def test_what_is_written_down_has_no_content(site: Site) -> None:
    word = "Quillon Vexworth"
    text = f"I am {word}, write to quillon@mail-example.org."
    site.upstream.says("Dear <PERSON_1>.")
    policy = f"version: 1\nname: x\nmodels: {{a: {{id: b}}}}\nredact: {{deny: [{{entity: PERSON, text: [{word}]}}]}}"
    statuses = [
        site.ask("POST", "/ui/inspect", "boss", {"text": text}).status_code,
        site.chat("boss", text, "/ui/ask").status_code,
        site.ask("POST", "/ui/try", "boss", {"policy": policy, "text": text}).status_code,
        site.ask("POST", "/ui/try", "boss", {"policy": f"{word}: [", "text": text}).status_code,
        site.ask("GET", "/ui/counts", "boss").status_code,
    ]
    assert statuses == [200] * 5

    def told(events: list[dict[str, Any]]) -> set[str]:
        return {str(event.get("endpoint")) for event in events}

    wanted = {"POST /ui/inspect", "/chat/completions", "POST /ui/try", "GET /ui/counts"}
    events = site.process.events(lambda events: wanted <= told(events))
    assert wanted <= told(events)
    for written in (site.process.audit.read_text(), site.process.log.read_text()):
        assert word not in written
        assert "quillon" not in written.lower()


def test_other_origins_get_nothing(site: Site) -> None:
    """A page elsewhere can send no token that it does not have; and it may not read what it gets."""
    headers = {
        "origin": "https://elsewhere.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    asked = site.ask("OPTIONS", "/ui/inspect", **headers)
    assert asked.status_code == 405
    assert not [name for name in asked.headers if name.startswith("access-control")]
    # Without the header nothing works: no cookie, no form, no query.
    assert site.ask("POST", "/ui/inspect?token=x", body={"text": "x"}).status_code == 401
    cookie = {"cookie": f"token={site.tokens['jane']}"}
    assert site.ask("POST", "/ui/inspect", body={"text": "x"}, **cookie).status_code == 401
    for path in ("/ui", "/ui/session", "/ui/app.js"):
        assert site.ask("GET", f"{path}?{site.tokens['jane']}", "jane").status_code == 401


SLOW = "version: 1\nname: x\nmodels: {a: {id: b}}\nredact: {recognizers: [{entity: SLOW, pattern: '%s'}]}"


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (SLOW % "(a+)+b", "exponential"),
        (SLOW % "([ab]{1000}){1000}", "too large"),
        ("version: 1\nname: x\nmodels: {a: {id: b}}\nredact: {plugins: ['os:system']}", "without plugins"),
        ("version: 1\nname: x\nmodels: {a: {id: b}}\nredact: {nlp: {engine: 'spacy:x'}}", "engines builtin"),
        ("a: &a [x]\nb: [*a, *a]\n" * 50, "policy.yaml"),
        ("[" * 5000, "nesting"),
    ],
    ids=["slow", "large", "plugins", "engine", "aliases", "deep"],
)
def test_a_hostile_policy_is_a_list_of_problems(site: Site, policy: str, says: str) -> None:
    answer = site.ask("POST", "/ui/try", "boss", {"policy": policy, "text": "a" * 5000})
    assert answer.status_code == 200, answer.text
    assert not answer.json()["ok"]
    assert any(says in problem for problem in answer.json()["problems"]), answer.json()["problems"][:3]


def test_files_that_a_policy_names_are_not_looked_for(site: Site, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a secret word")
    policy = (
        f"version: 1\nname: x\nmodels: {{a: {{id: b}}}}\n"
        f"answers: {{canaries: {{file: {tmp_path}/secret.txt}}, regurgitation: {{index: [{tmp_path}/secret.txt]}}}}\n"
        f"upstreams: {{a: {{url: 'http://127.0.0.1:1/', key_file: {tmp_path}/secret.txt}}}}"
    )
    answer = site.ask("POST", "/ui/try", "boss", {"policy": policy, "text": TEXT})
    assert answer.json()["problems"] == []
    assert "secret" not in json.dumps(answer.json()["inspection"])
