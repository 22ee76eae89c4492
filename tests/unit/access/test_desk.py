"""An administrator of one tenant has no power over another, and none over tokens that may do more than their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.access import desk as rules
from gateway.access import token_store
from gateway.access.principal import Principal
from gateway.errors import Forbidden, GatewayError, InvalidValue, NotFound, RateLimited, Unauthenticated
from tests.unit.access.token_scene import Breakable, Worker, admin, filed, worker

JWT_ID = "jwt-0123456789ab"


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Worker]:
    with worker(tmp_path, Breakable()) as made:
        yield made


def minor(*scopes: str, **more: object) -> Principal:
    return admin("acme", *(scopes or ("chat", "admin:tokens")), token_id="minor000", **more)


async def test_a_token_of_another_tenant_is_not_there(one: Worker) -> None:
    token, _ = await one.desk.mint(admin("acme"), {})
    stranger = admin("globex")
    assert not await one.desk.list(stranger)
    for act in (one.desk.revoke(stranger, token.id), one.desk.rotate(stranger, token.id, 60)):
        with pytest.raises(NotFound) as theirs:
            await act
    with pytest.raises(NotFound) as nobodys:
        await one.desk.revoke(stranger, "zzzzzzzz")
    assert theirs.value.message == nobodys.value.message
    await one.who(token)
    in_file = filed(one.tokens_file)
    one.clock.now += 2
    for act in (one.desk.revoke(stranger, in_file.id), one.desk.rotate(stranger, in_file.id, 60)):
        with pytest.raises(NotFound):
            await act
    await one.who(in_file)


async def test_a_new_token_is_its_maker_s_tenant_s(one: Worker) -> None:
    token, record = await one.desk.mint(admin("globex"), {})
    assert record.tenant == (await one.who(token)).tenant == "globex"
    assert [listed.record.id for listed in await one.desk.list(admin("globex"))] == [token.id]


async def test_the_secret_of_a_token_that_may_do_more_is_not_given(one: Worker) -> None:
    powerful, _ = await one.desk.mint(admin(), {"scopes": ["chat", "admin:tokens", "reveal"]})
    everywhere, _ = await one.desk.mint(admin(), {})
    lasting, _ = await one.desk.mint(admin(), {"scopes": ["chat"], "models": ["llama"], "expires_in": 10**6})
    soon = minor(models=frozenset({"llama"}), expires=one.wall.date() + timedelta(seconds=60))
    for caller, token in ((minor(), powerful), (minor(models=frozenset({"llama"})), everywhere), (soon, lasting)):
        with pytest.raises(Forbidden):
            await one.desk.rotate(caller, token.id, 60)
        await one.who(token)
    weak, _ = await one.desk.mint(minor(), {})
    second, _ = await one.desk.rotate(minor(), weak.id, 0)
    await one.who(second)


async def test_a_token_may_rotate_itself(one: Worker) -> None:
    own, _ = await one.desk.mint(admin(), {"scopes": ["admin:tokens"], "limits": {"concurrent": 1}})
    second, _ = await one.desk.rotate(await one.who(own), own.id, 0)
    with pytest.raises(Unauthenticated):
        await one.who(own)
    assert (await one.who(second)).scopes == {"admin:tokens"}


async def test_a_token_of_the_file_can_be_revoked_here_but_not_rotated(one: Worker) -> None:
    token = filed(one.tokens_file, scopes=["chat"])
    one.clock.now += 2
    with pytest.raises(InvalidValue, match="gateway token rotate"):
        await one.desk.rotate(admin(), token.id, 60)
    await one.desk.revoke(admin(), token.id)
    with pytest.raises(Unauthenticated):
        await one.who(token)
    assert [(each.record.id, each.source, each.revoked) for each in await one.desk.list(admin())] == [
        (token.id, "file", True)
    ]


async def test_a_token_of_an_identity_provider_is_refused_in_the_tenant_of_who_says_so(one: Worker) -> None:
    await one.desk.revoke(admin("acme"), JWT_ID)
    assert one.revocations.is_revoked("acme", JWT_ID)
    assert not one.revocations.is_revoked("globex", JWT_ID)


async def test_what_stays_for_long_has_a_bound(one: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FOREIGN_A_MONTH", 3)
    monkeypatch.setattr(rules, "MINTED_A_DAY", 3)
    for number in range(3):
        await one.desk.revoke(admin(), f"jwt-{number:012x}")
        await one.desk.mint(admin(), {})
    for act in (one.desk.revoke(admin(), JWT_ID), one.desk.mint(admin(), {})):
        with pytest.raises(RateLimited) as raised:
            await act
        assert raised.value.retry_after_s
    await one.desk.revoke(admin("globex"), JWT_ID)
    await one.desk.mint(admin("globex"), {})


async def test_a_tenant_has_so_many_tokens(one: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_store, "MOST", 2)
    first, _ = await one.desk.mint(admin(), {})
    await one.desk.mint(admin(), {})
    with pytest.raises(InvalidValue, match="as many tokens as it may"):
        await one.desk.mint(admin(), {})
    await one.desk.revoke(admin(), first.id)
    await one.desk.mint(admin(), {})


ODD = ["", "a" * 7, "a" * 9, "a" * 100_000, "../../..", "aaaa*aaa", "aaaaaaa\n", "äaaaaaaa", "jwt-", "jwt-0123456789AB"]


@pytest.mark.parametrize("token_id", ODD, ids=range(len(ODD)))
async def test_an_odd_id_is_nobody_s(one: Worker, token_id: str) -> None:
    for act in (one.desk.revoke(admin(), token_id), one.desk.rotate(admin(), token_id, 60)):
        with pytest.raises(NotFound) as raised:
            await act
        assert len(raised.value.message) < 200
    assert not one.revocations._revoked


@pytest.mark.parametrize("overlap_s", [-1, 7 * 86_400 + 1, 10**18])
async def test_an_overlap_has_bounds(one: Worker, overlap_s: int) -> None:
    token, _ = await one.desk.mint(admin(), {})
    with pytest.raises(InvalidValue):
        await one.desk.rotate(admin(), token.id, overlap_s)


@pytest.mark.parametrize("subject", ["token abcdefgh", "a\nb", "\u202e", "\ud800"], ids=ascii)
async def test_a_name_that_would_be_another_s_is_refused(one: Worker, subject: str) -> None:
    """A token without a subject is the person `token ID`: nobody may take that name to read that one's cache."""
    with pytest.raises(InvalidValue) as raised:
        await one.desk.mint(admin(), {"subject": subject})
    assert raised.value.param == "subject"


async def test_no_error_and_no_repr_shows_a_token_or_its_hash(one: Worker) -> None:
    token, record = await one.desk.mint(admin(), {})
    shown = repr((token, record, await one.desk.list(admin()), one.tokens, one.kept, one.tokens._seen))
    assert token.text[12:] not in shown
    assert record.sha256 not in shown
    bound, _ = await one.desk.mint(admin(), {"networks": ["192.0.2.0/24"]})
    with pytest.raises(Forbidden) as raised:
        await one.who(bound)
    assert "192" not in raised.value.message


async def test_a_token_that_the_store_cannot_remove_is_refused_for_as_long_as_it_lasts(one: Worker) -> None:
    token, _ = await one.desk.mint(admin(), {"expires_in": 3 * 10**7})
    store = one.store
    assert isinstance(store, Breakable)

    async def busy(place: object) -> bool:
        store.broken = True
        store._check()
        return False

    store.delete = busy  # type: ignore[method-assign]
    with pytest.raises(GatewayError) as raised:
        await one.desk.revoke(admin(), token.id)
    assert raised.value.status == 503
    store.broken = False
    one.wall.now += 2 * 10**7
    await one.revocations.refresh()
    with pytest.raises(Unauthenticated):
        await one.who(token)


async def test_minted_tokens_are_checked_like_those_of_the_file(one: Worker) -> None:
    begins = (datetime.fromtimestamp(one.wall.now, UTC) + timedelta(hours=1)).isoformat()
    token, _ = await one.desk.mint(admin(), {"not_before": begins, "policy": "strict"})
    with pytest.raises(Unauthenticated, match="not in force yet"):
        await one.who(token)
    one.wall.now += 3601
    principal = await one.who(token)
    assert principal.policy == "strict"
    assert principal.expires is not None
