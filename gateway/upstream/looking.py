"""Looks at a model server once: whether it answers, which models it has, which time, which version of vLLM.

Nothing that it says is passed on but numbers, ids that are compared, and a version that looks like one.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from gateway.upstream.client import Target
from gateway.upstream.trust import why_not_trusted

_MAX_BYTES = 4 * 2**20
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,39}")


@dataclass(frozen=True, slots=True)
class Seen:
    """`status` None: no answer, and `trouble` says why. `models`: ids and how many tokens they take, if that is said;
    None if the answer is no list of models."""

    status: int | None = None
    trouble: str = ""
    models: Mapping[str, int | None] | None = None
    ahead_s: float | None = None
    """How far its clock is before ours, to a second; None without a header Date."""
    version: str | None = None


async def look(target: Target, timeout_s: float, wall_clock: Callable[[], float] = time.time) -> Seen:
    """Never raises for what the server does."""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with aiohttp.ClientSession(
            timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            async with session.get(
                f"{target.url}/models", headers=target.headers, allow_redirects=False, ssl=target.tls
            ) as response:
                ahead = _ahead(response.headers.get("date"), wall_clock())
                models = _models(await _read(response)) if response.status == 200 else None
                status = response.status
            version = await _version(session, target)
            return Seen(status, "", models, ahead, version)
    except TimeoutError:
        return Seen(trouble=f"it does not answer within {timeout_s:g} s")
    except aiohttp.ClientConnectorDNSError:
        return Seen(trouble="nobody knows its name")
    except (aiohttp.ClientSSLError, aiohttp.ClientConnectorError, OSError) as error:
        return Seen(trouble=why_not_trusted(error) or "it cannot be reached")
    except (aiohttp.ClientError, ValueError):
        return Seen(trouble="it does not speak HTTP as it should, or the key cannot stand in a header")


async def _version(session: aiohttp.ClientSession, target: Target) -> str | None:
    """vLLM says it beside /v1, to everybody, so the key is not sent. Whatever goes wrong, there is none."""
    try:
        url = f"{target.url.removesuffix('/v1')}/version"
        async with session.get(url, allow_redirects=False, ssl=target.tls) as response:
            said = _object(await _read(response)).get("version") if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None
    return said if isinstance(said, str) and _VERSION.fullmatch(said) else None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(_MAX_BYTES)
    while not response.content.at_eof() and len(body) < _MAX_BYTES:
        body += await response.content.read(_MAX_BYTES - len(body))
    return body


def _models(body: bytes) -> Mapping[str, int | None] | None:
    listed = _object(body).get("data")
    if not isinstance(listed, list):
        return None
    found: dict[str, int | None] = {}
    for each in listed:
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            most = each.get("max_model_len")
            found[each["id"]] = most if isinstance(most, int) else None
    return found


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _ahead(date: str | None, now: float) -> float | None:
    """A Date has whole seconds, cut off: half a second more is the best guess."""
    if date is None:
        return None
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() + 0.5 - now
    except (ValueError, TypeError, OverflowError):
        return None
