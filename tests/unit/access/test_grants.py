"""Nobody can give what they have not, by any field of a new token and by no other way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.addresses import network_of
from gateway.access.grants import granted, may_have
from gateway.access.limits import Limits
from gateway.access.principal import Principal, Scope
from gateway.access.token_file import new_record
from gateway.errors import Forbidden, GatewayError, InvalidValue, ModelNotAllowed
from tests.unit.access.token_scene import POLICIES, STRICTLY_HELD, admin, limits_of_policy

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MINOR = Principal(
    "minor000",
    "acme",
    "minor",
    frozenset({"chat", "admin:tokens", "docs:hr"}),
    frozenset({"llama", "small"}),
    limits=Limits(requests_per_minute=60, tokens_per_day=1000),
    networks=(network_of("10.0.0.0/8"), network_of("fd00::/8")),
    expires=NOW + timedelta(days=7),
)


def give(giver: Principal = MINOR, **wishes: Any) -> dict[str, Any]:
    return granted(wishes, giver, NOW, limits_of_policy)


def test_what_is_left_out_is_taken_from_the_giver() -> None:
    fields = give()
    assert fields["scopes"] == ("chat",)
    assert fields["models"] == ("llama", "small")
    assert fields["networks"] == ("10.0.0.0/8", "fd00::/8")
    assert fields["limits"] == MINOR.limits
    assert fields["expires"] == MINOR.expires
    assert fields["policy"] == ""
    assert give(admin())["expires"] == NOW + timedelta(days=30)
    assert give(admin())["limits"] is None


@pytest.mark.parametrize(
    "wishes",
    [
        {"scopes": ["completions"]},
        {"scopes": ["chat", "admin:cache"]},
        {"scopes": ["admin:policy"]},
        {"scopes": ["reveal"]},
        {"scopes": ["docs:law"]},
        {"models": ["*"]},
        {"models": ["llama", "large"]},
        {"networks": ["0.0.0.0/0"]},
        {"networks": ["10.0.0.0/7"]},
        {"networks": ["::/0"]},
        {"networks": ["10.1.0.0/16", "192.0.2.1"]},
        {"policy": "lax"},
        {"policy": "strict"},
        {"limits": {"requests_per_minute": 61}},
        {"limits": {"tokens_per_day": 10**10}},
        {"expires_in": 8 * 86_400},
    ],
    ids=str,
)
def test_more_than_the_giver_has_is_forbidden(wishes: dict[str, Any]) -> None:
    with pytest.raises(Forbidden) as raised:
        give(**wishes)
    assert raised.value.status == 403
    assert raised.value.param == next(iter(wishes))


@pytest.mark.parametrize(
    "wishes",
    [
        {"scopes": []},
        {"scopes": "chat"},
        {"scopes": ["chat"] * 65},
        {"scopes": [["chat"]]},
        {"scopes": ["docs:../x"]},
        {"scopes": ["docs:hr\n"]},
        {"scopes": ["CHAT"]},
        {"models": [""]},
        {"models": ["x" * 257]},
        {"models": [1]},
        {"networks": []},
        {"networks": [5]},
        {"networks": ["10.0.0.1/8"]},
        {"subject": 5},
        {"subject": "x" * 257},
        {"policy": None},
        {"limits": []},
        {"limits": {"x": 1}},
        {"limits": {"concurrent": 0}},
        {"limits": {"concurrent": -1}},
        {"limits": {"concurrent": True}},
        {"limits": {"concurrent": "1"}},
        {"limits": {"concurrent": 1.0}},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": None},
        {"expires_in": True},
        {"expires_in": "30d"},
        {"expires_in": 1e9},
        {"expires_in": 10**18},
        {"not_before": "tomorrow"},
        {"not_before": "2026-07-02T00:00:00"},
        {"not_before": 1},
        {"not_before": "0001-01-01T00:00:00+23:59"},
        {"not_before": "2036-07-02T00:00:00Z"},
    ],
    ids=str,
)
def test_what_no_token_can_have_is_said_to_be_wrong(wishes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as raised:
        give(**wishes)
    assert raised.value.param == next(iter(wishes))


@pytest.mark.parametrize("field", ["tenant", "id", "sha256", "old_sha256", "minted_by", "created", "expires", ""])
def test_a_field_that_nobody_may_choose_is_refused(field: str) -> None:
    with pytest.raises(InvalidValue, match="it may have subject, scopes"):
        granted({field: "other"}, MINOR, NOW, limits_of_policy)


def test_less_is_given() -> None:
    fields = give(
        scopes=["chat", "models", "docs:hr", "chat"],
        models=["llama"],
        networks=["10.1.0.0/16", "::ffff:10.2.0.0/112", "fd00:1::/32"],
        limits={"requests_per_minute": 60, "concurrent": 2},
        expires_in=60,
        not_before="2026-07-01T02:00:30+02:00",
    )
    assert fields["scopes"] == ("chat", "models", "docs:hr")
    assert fields["networks"] == ("10.1.0.0/16", "10.2.0.0/16", "fd00:1::/32")
    assert fields["limits"] == Limits(requests_per_minute=60, concurrent=2, tokens_per_day=1000)
    assert fields["not_before"] == NOW + timedelta(seconds=30)


def test_which_policies_there_are_is_told_to_those_who_may_give_them_only() -> None:
    with pytest.raises(Forbidden):
        give(policy="nobody's")
    with pytest.raises(InvalidValue):
        give(admin("acme", "chat", "admin:tokens", "admin:policy"), policy="nobody's")


def test_the_limits_of_the_giver_s_policy_hold_for_what_it_gives_too() -> None:
    """Or else who is held to them by the policy alone could mint a token with limits of its own that are higher."""
    giver = admin("acme", "chat", "admin:tokens", policy="strict")
    assert give(giver)["limits"] is None
    assert give(giver, limits={"requests_per_minute": 5})["limits"] == Limits(requests_per_minute=5)
    with pytest.raises(Forbidden):
        give(giver, limits={"requests_per_minute": 6})


def test_the_limits_of_the_tenant_s_policy_hold_for_what_is_given_too() -> None:
    giver = admin(STRICTLY_HELD, "chat", "admin:tokens")
    with pytest.raises(Forbidden):
        give(giver, limits={"requests_per_minute": 6})
    assert give(giver, limits={"requests_per_minute": 4})["limits"] == Limits(requests_per_minute=4)


def test_another_policy_takes_no_limit_off() -> None:
    giver = admin("acme", "chat", "admin:tokens", "admin:policy", policy="strict")
    fields = give(giver, policy="lax")
    assert (fields["policy"], fields["limits"]) == ("lax", Limits(requests_per_minute=5))
    with pytest.raises(Forbidden):
        give(giver, policy="lax", limits={"requests_per_minute": 6})
    assert give(admin(), policy="strict")["limits"] is None


def test_the_policy_that_holds_for_all_is_another_policy_too() -> None:
    with pytest.raises(Forbidden):
        give(admin("acme", "chat", "admin:tokens", policy="strict"), policy="")


def test_who_may_only_administer_has_no_scopes_to_give() -> None:
    with pytest.raises(InvalidValue, match="scopes is required"):
        give(admin("acme", "admin:tokens"))
    with pytest.raises(Forbidden):
        give(admin("acme", "admin:tokens"), scopes=["chat"])


SCOPES = st.sampled_from([*Scope, "docs:hr", "docs:law"])
MODELS = st.sampled_from(["*", "a", "b"])
NETS = st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "::/0", "fd00::/8"])
LIMITS = st.dictionaries(st.sampled_from(["requests_per_minute", "concurrent"]), st.integers(1, 9))
PRINCIPALS = st.builds(
    lambda scopes, models, nets, policy, limits, days: Principal(
        "someone0",
        "acme",
        "",
        frozenset(map(str, scopes)),
        frozenset(models),
        policy,
        Limits(**limits) if limits else None,
        tuple(map(network_of, sorted(nets))),
        NOW + timedelta(days=days) if days else None,
    ),
    st.sets(SCOPES),
    st.sets(MODELS, min_size=1),
    st.sets(NETS, max_size=2),
    st.sampled_from(list(POLICIES)),
    LIMITS,
    st.integers(0, 40),
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "scopes": st.lists(SCOPES.map(str), min_size=1, max_size=3),
        "models": st.lists(MODELS, min_size=1, max_size=2),
        "networks": st.lists(NETS, min_size=1, max_size=2),
        "policy": st.sampled_from(list(POLICIES)),
        "limits": LIMITS,
        "expires_in": st.integers(1, 50 * 86_400),
    },
)


@given(giver=PRINCIPALS, wishes=WISHES)
def test_whatever_is_given_the_giver_could_be_given_back(giver: Principal, wishes: dict[str, Any]) -> None:
    """The two rules are written apart; they must say the same, or a rotation could get what a mint may not give."""
    try:
        fields = granted(wishes, giver, NOW, limits_of_policy)
    except GatewayError:
        return
    record = new_record(id="newtoken", sha256="0" * 64, tenant="acme", **fields)
    assert may_have(giver, record, limits_of_policy)
    # And what it gives on is no more than it has been given itself.
    if not may_have(
        record.principal(), new_record(id="x" * 8, sha256="0" * 64, tenant="acme", **fields), limits_of_policy
    ):
        raise AssertionError


@given(giver=PRINCIPALS, other=PRINCIPALS)
def test_a_secret_is_given_only_to_who_could_mint_the_same(giver: Principal, other: Principal) -> None:
    record = new_record(
        id="othertok",
        sha256="0" * 64,
        tenant="acme",
        created=NOW,
        scopes=tuple(other.scopes),
        models=tuple(other.models),
        networks=tuple(map(str, other.networks)),
        policy=other.policy,
        limits=other.limits,
        expires=other.expires,
    )
    if not may_have(giver, record, limits_of_policy):
        return
    assert all(giver.has(scope) for scope in other.scopes)
    assert "*" in giver.models or other.models <= giver.models
    assert other.policy == giver.policy or giver.has("admin:policy")
    if giver.networks:
        assert other.networks
    if giver.expires:
        assert other.expires
        assert other.expires <= giver.expires


def test_a_model_that_may_not_be_used_has_its_own_code() -> None:
    with pytest.raises(ModelNotAllowed):
        give(models=["large"])
