"""One set of keys, documents and canaries, and a gateway for each way of treating what is found.

Whatever asks the same gateway has the same xdist group, so that each is started once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.vllm import free_port
from tests.guard.scene import REGURGITATION, Guarded, Kept, guarded, make_kept


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return make_kept(tmp_path_factory.mktemp("kept"))


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Whether the client asks for a stream."""
    return bool(request.param)


@pytest.fixture(scope="session")
def blocking(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Passages, canaries and the system prompt stop an answer."""
    with guarded(
        kept,
        tmp_path_factory.mktemp("blocking"),
        regurgitation=REGURGITATION,
        canaries="block",
        system_prompt="block",
        people_count=450,
        metrics_port=free_port(),
    ) as running:
        yield running


@pytest.fixture(scope="session")
def cutting(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """What is found is cut out; links may lead anywhere."""
    with guarded(
        kept,
        tmp_path_factory.mktemp("cutting"),
        regurgitation={**REGURGITATION, "action": "redact"},
        system_prompt="redact",
        secrets={"formats": "mask", "guessed": "mask"},
        links={},
    ) as running:
        yield running


@pytest.fixture(scope="session")
def masking(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Personal data is treated by its type, secrets stop, links lead to listed hosts, passages are asked for anew."""
    with guarded(
        kept,
        tmp_path_factory.mktemp("masking"),
        regurgitation={**REGURGITATION, "action": "regenerate"},
        pii={"entities": {"IBAN_CODE": "block", "PHONE_NUMBER": "report", "CREDIT_CARD": "allow"}},
        secrets="block",
        links={"hosts": ["pictures.example.com", "*.example.org"]},
    ) as running:
        yield running


@pytest.fixture(scope="session")
def reporting(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """All leaves, and is counted."""
    with guarded(
        kept,
        tmp_path_factory.mktemp("reporting"),
        regurgitation={**REGURGITATION, "action": "report"},
        canaries="report",
        system_prompt="report",
        pii={"default": "report"},
        secrets={"formats": "report", "guessed": "report"},
        links={"action": "report"},
        metrics_port=free_port(),
    ) as running:
        yield running


@pytest.fixture(scope="session")
def cached(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A tenant shares its cache, and passages stop an answer."""
    with guarded(
        kept,
        tmp_path_factory.mktemp("cached"),
        cache={"when": "always", "scope": "tenant"},
        regurgitation=REGURGITATION,
        pii={},
    ) as running:
        yield running
