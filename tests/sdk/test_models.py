"""The list of models through the SDK."""

from __future__ import annotations

import pytest
from openai import NotFoundError, OpenAI

from tests.sdk.conftest import sdk
from tests.support.gateway import GatewayProcess


def test_models_are_listed_by_their_public_names(client: OpenAI) -> None:
    listed = client.models.list().data
    assert [model.id for model in listed] == ["llama", "other"]
    assert {(model.object, model.owned_by) for model in listed} == {("model", "gateway")}


def test_one_model_is_retrieved(client: OpenAI) -> None:
    model = client.models.retrieve("llama")
    assert model.id == "llama"
    assert (model.model_extra or {})["max_model_len"] == 1024


def test_a_token_lists_only_its_own_models(gateway_process: GatewayProcess, narrow_token: str) -> None:
    with sdk(gateway_process, narrow_token) as client:
        assert [model.id for model in client.models.list().data] == ["other"]
        with pytest.raises(NotFoundError) as raised:
            client.models.retrieve("llama")
    assert raised.value.code == "model_not_found"
