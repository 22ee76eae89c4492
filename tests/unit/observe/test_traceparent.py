from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.observe.traceparent import Tracer

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]")


@given(st.binary(max_size=80) | st.from_regex(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.?", fullmatch=True))
def test_whatever_a_client_sends_ids_of_one_form_come_of_it(header: bytes) -> None:
    own = Tracer(1.0).begin()
    joined = Tracer.joined(own, header)
    assert _FORM.fullmatch(joined.to_upstream)
    assert joined.is_sampled
    assert (joined.span_id, joined.upstream_id) == (own.span_id, own.upstream_id)
    if joined != own:
        assert header.startswith(f"00-{joined.trace_id}-{joined.parent_id}-".encode())
        assert len(header) == 55


def test_no_header_and_no_chance() -> None:
    own = Tracer(0.0).begin()
    assert Tracer.joined(own, None) is own
    assert own.to_upstream.endswith("-00")
    assert Tracer(0.5, lambda: 0.4).begin().is_sampled
    assert not Tracer(0.5, lambda: 0.5).begin().is_sampled


def test_ids_differ() -> None:
    traces = [Tracer(1.0).begin() for _ in range(1000)]
    ids = {one for trace in traces for one in (trace.trace_id, trace.span_id, trace.upstream_id)}
    assert len(ids) == 3000
