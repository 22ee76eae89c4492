"""What `gateway serve` says when a policy asks for files or keys that are not there."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.build import answer_stages, build_redaction, build_stages
from gateway.policy.load import load_policy
from gateway.redact.stage import RedactStage
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key
from gateway.settings import ConfigurationError
from tests.support.gateway import Done, gateway, gateway_process, mint

TEXT = " ".join(f"word{chr(97 + n)}{chr(97 + n % 7)} of the protected document" for n in range(20))

pytestmark = [pytest.mark.xdist_group("build"), pytest.mark.slow]
_NOTHING = {"default": "allow", "entities": dict.fromkeys(("PERSON", "LOCATION", "IP_ADDRESS"), "allow")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two keysets, and an index and canaries of each."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "document.txt").write_text(TEXT)
    (folder / "allowed.txt").write_text("This may be quoted.")
    for name in ("mine", "theirs"):
        keys = ("--keyset", str(folder / f"{name}.json"))
        assert gateway("key", "init", keys[1]).returncode == 0
        index = str(folder / f"{name}.gri")
        built = gateway("index", "build", str(folder / "document.txt"), "-o", index, "--jobs", "1", *keys)
        assert built.returncode == 0, built.stderr
        canaries = gateway("canary", "make", "--canaries", str(folder / f"{name}.yaml"), *keys)
        assert canaries.returncode == 0, canaries.stderr
    mint(folder / "tokens.yaml", "acme")
    whole = (folder / "mine.gri").read_bytes()
    (folder / "cut.gri").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.gri").write_bytes(b"")
    (folder / "text.gri").write_text(TEXT)
    header = bytearray(whole)
    header[40] ^= 0xFF
    (folder / "changed.gri").write_bytes(header)
    (folder / "latin.txt").write_bytes("Prüfung".encode("latin-1"))
    return folder


def policy(folder: Path, answers: dict[str, Any]) -> Path:
    path = folder / "policy.yaml"
    # Nothing is looked for but what a test asks for, which saves the time of a detector.
    answers = {"pii": _NOTHING, "secrets": {"formats": "allow", "guessed": "allow"}, **answers}
    document = {"version": 1, "name": "x", "models": {"a": {"id": "b"}}, "redact": {"nlp": {"engine": "patterns"}}}
    path.write_text(yaml.safe_dump({**document, "answers": answers}, sort_keys=False))
    return path


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """A server sets up the log of its process, which here is that of the tests."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def serve(folder: Path, answers: dict[str, Any], *more: str, by: Callable[..., Any] = gateway) -> Any:
    """`gateway serve` ends before it listens if the configuration is wrong."""
    arguments = ["serve", "--host", "127.0.0.1", "--port", "0", "--policy", str(policy(folder, answers))]
    arguments += ["--tokens", str(folder / "tokens.yaml"), "--upstream", "http://127.0.0.1:9/v1", "--audit", "none"]
    return by(*arguments, *more)


def regurgitation(index: str = "mine.gri", **more: Any) -> dict[str, Any]:
    return {"regurgitation": {"index": [index], **more}}


@pytest.fixture(scope="module")
def redact(made: Path) -> RedactStage:
    """The stage of prompts, which takes seconds to make."""
    return build_redaction(load_policy(policy(made, {})), hash_key=b"k" * 32)


def refused(folder: Path, answers: dict[str, Any], redact: RedactStage) -> str:
    """What is said of the stages of answers, which `gateway serve` writes before it ends with 2."""
    keys = folder / "mine.json"
    with Keyring.open(keys, master_key(None, keys)) as keyring, pytest.raises(ConfigurationError) as caught:
        list(answer_stages(load_policy(policy(folder, answers)), redact, keyring))
    (line,) = str(caught.value).splitlines()
    return line


def one_line(done: Done) -> str:
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "Traceback" not in line
    return line


def has_place(line: str, place: str) -> bool:
    """Whether a line says where in the policy it is: by line and column, or by the names of the keys."""
    return re.search(r"policy\.yaml:\d+:\d+: ", line) is not None or place in line


@pytest.mark.parametrize(
    ("answers", "what"),
    [(regurgitation(), "an index needs a keyset"), ({"canaries": "block"}, "what finds canaries needs a keyset")],
    ids=["index", "canaries"],
)
def test_without_a_keyset_it_says_how_to_make_one(made: Path, answers: dict[str, Any], what: str) -> None:
    line = one_line(serve(made, answers))
    assert re.match(rf"{re.escape(str(made))}/policy\.yaml:\d+:\d+: {what}", line)
    assert "gateway key init keys.json" in line


def test_without_a_keyset_both_lines_are_told(made: Path) -> None:
    done = serve(made, {**regurgitation(), "canaries": "block"})
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    "index", ["missing.gri", "cut.gri", "empty.gri", "text.gri", "changed.gri", "theirs.gri", "."], ids=str
)
def test_an_index_that_cannot_be_used_is_named_with_its_place_in_the_policy(
    made: Path, redact: RedactStage, index: str
) -> None:
    line = refused(made, regurgitation(index), redact)
    assert str(made / index) in line
    assert has_place(line, "answers.regurgitation.index")


@pytest.mark.parametrize("allowed", ["missing.txt", "latin.txt"])
def test_a_text_that_may_be_quoted_must_be_there_and_utf8(made: Path, redact: RedactStage, allowed: str) -> None:
    line = refused(made, regurgitation(allow=[allowed]), redact)
    assert str(made / allowed) in line
    assert has_place(line, "answers.regurgitation.allow")


@pytest.mark.parametrize("file", ["missing.yaml", "theirs.yaml", "allowed.txt"])
def test_canaries_that_cannot_be_used_are_named_with_their_place_in_the_policy(
    made: Path, redact: RedactStage, file: str
) -> None:
    line = refused(made, {"canaries": {"file": file}}, redact)
    assert str(made / file) in line
    assert has_place(line, "answers.canaries")


def test_each_file_that_is_there_is_used(made: Path, redact: RedactStage) -> None:
    keys = made / "mine.json"
    asked = {**regurgitation(allow=["allowed.txt"]), "canaries": {"file": "mine.yaml"}}
    with Keyring.open(keys, master_key(None, keys)) as keyring:
        stages = list(answer_stages(load_policy(policy(made, asked)), redact, keyring))
    assert [type(stage).__name__ for stage in stages[-3:]] == ["MemorisedStage", "CanaryStage", "InvisibleStage"]


def test_a_type_that_nothing_finds_is_told_with_what_was_meant(made: Path) -> None:
    line = one_line(serve(made, {"pii": {"entities": {"EMAIL_ADRESS": "block"}}}))
    assert re.match(rf"{re.escape(str(made))}/policy\.yaml:\d+:\d+: ", line)
    assert "EMAIL_ADRESS" in line
    assert "did you mean EMAIL_ADDRESS?" in line


@pytest.mark.parametrize("index", ["missing.gri", "theirs.gri"])
def test_serve_ends_with_two_and_one_line(made: Path, index: str) -> None:
    assert str(made / index) in one_line(serve(made, regurgitation(index), "--keyset", str(made / "mine.json")))


def test_the_process_ends_with_two_and_one_line(made: Path) -> None:
    """Once as a process of its own, with the log of a server."""
    done = serve(made, regurgitation("missing.gri"), "--keyset", str(made / "mine.json"), by=gateway_process)
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if "missing.gri" in line] == done.stderr.splitlines()


def test_check_of_a_policy_tells_the_same_types(made: Path) -> None:
    path = policy(made, {"pii": {"entities": {"EMAIL_ADRESS": "block"}}})
    done = gateway("policy", "check", str(path))
    assert done.returncode != 0
    assert "EMAIL_ADRESS" in done.stderr + done.stdout


def test_stages_that_have_nothing_to_do_are_not_there(made: Path) -> None:
    """Whatever a policy allows is not even looked for; what is invisible always is."""
    nothing = {"system_prompt": "allow", "links": {"action": "allow"}}
    chain = build_stages(load_policy(policy(made, nothing)), hash_key=b"k" * 32)
    assert [type(stage).__name__ for stage in chain.stages] == ["RedactStage", "InvisibleStage"]


def test_a_policy_that_says_nothing_of_answers_reads_them() -> None:
    path = Path(__file__).parent.parent.parent / "policies" / "default.yaml"
    chain = build_stages(load_policy(path), hash_key=b"k" * 32)
    names = [type(stage).__name__ for stage in chain.stages]
    # An answer meets them from the last to the first.
    assert names == ["RedactStage", "LinksStage", "PersonalStage", "SystemPromptStage", "InvisibleStage"]
