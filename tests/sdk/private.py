"""The personal data that these tests send, and the check that an upstream never got any of it."""

from __future__ import annotations

import json

from tests.support.upstream import ScriptedUpstream

PERSON = "Ada Lovelace"
IRISH = "Conan O'Brien"
EMAIL = "ada@example.org"
QUOTED = 'Dwayne "The Rock" C:\\Johnson'
"""Needs escapes in JSON: quotes and a backslash. Only the policy of `quoting_gateway` knows it."""

_VALUES = (PERSON, IRISH, EMAIL, QUOTED)


def assert_hidden(upstream: ScriptedUpstream, *seen: str) -> None:
    """Something was sent to the upstream: these texts, and none of the values, plain or with the escapes of JSON."""
    assert upstream.raw
    for raw in upstream.raw:
        text = raw.decode()
        for value in _VALUES:
            assert value not in text
            assert json.dumps(value)[1:-1] not in text
    for expected in seen:
        assert any(expected in raw.decode() for raw in upstream.raw), f"the upstream did not get {expected}"
