"""Certificates of the gateway and of authorities."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.doctor import ports, tls
from gateway.settings import Settings
from tests.server.scene import Certificates, signed_by_itself
from tests.unit.doctor.scene import is_well, problems, warnings

NOW = datetime.now(UTC)


def _settings(folder: Path, **more: object) -> Settings:
    pair = Certificates(folder).issue("gateway", ["gateway.example"])
    return Settings.model_validate({"tls_cert": pair.certificate, "tls_key": pair.key, **more})


def test_a_good_pair(tmp_path: Path) -> None:
    settings = _settings(tmp_path, tls_client_ca=tmp_path / "authority.pem", upstream_ca=tmp_path / "authority.pem")
    assert is_well(tls.judge(tls.look(settings), settings, NOW))
    named = settings.model_copy(update={"host": "gateway.example"})
    assert is_well(tls.judge(tls.look(named), named, NOW))
    other = settings.model_copy(update={"host": "other.example"})
    assert "not for other.example" in warnings(tls.judge(tls.look(other), other, NOW))


def test_dates(tmp_path: Path) -> None:
    settings = _settings(tmp_path, upstream_ca=tmp_path / "authority.pem")
    looked = tls.look(settings)
    soon = warnings(tls.judge(looked, settings, NOW + timedelta(days=380)))
    assert "tls_cert" in soon
    assert "upstream_ca" in soon
    assert "has expired" in problems(tls.judge(looked, settings, NOW + timedelta(days=400)))
    assert "not valid before" in problems(tls.judge(looked, settings, NOW - timedelta(days=2)))


def test_what_lives_for_weeks_only_is_renewed_late(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    looked = tls.look(settings)
    assert looked.own is not None
    for days, is_soon in ((20, False), (8, False), (7, True), (0.1, True)):
        until = NOW + timedelta(days=days)
        short = replace(looked, own=replace(looked.own, since=until - timedelta(days=30), until=until))
        assert ("expires on" in warnings(tls.judge(short, settings, NOW))) == is_soon, days


def test_what_would_not_start(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    other = Certificates(tmp_path).issue("other")
    mixed = settings.model_copy(update={"tls_key": other.key})
    assert "not that of the certificate" in problems(tls.judge(tls.look(mixed), mixed, NOW))
    os.chmod(other.key, 0o644)
    assert "chmod 600" in problems(tls.judge(tls.look(mixed), mixed, NOW))
    half = settings.model_copy(update={"tls_key": None})
    assert "setting tls_key" in problems(tls.judge(tls.look(half), half, NOW))
    lost = Settings(upstream_ca=tmp_path / "none.pem")
    assert "none.pem: cannot be read" in problems(tls.judge(tls.look(lost), lost, NOW))


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    pair = signed_by_itself(tmp_path, "alone")
    settings = Settings(tls_cert=pair.certificate, tls_key=pair.key)
    assert "no authority signed it" in warnings(tls.judge(tls.look(settings), settings, NOW))


def test_plain_text_for_everybody() -> None:
    for host, trusted, is_told in (
        ("127.0.0.1", "", False),
        ("0.0.0.0", "", True),
        ("0.0.0.0", "10.0.0.0/8", False),
    ):
        settings = Settings(host=host, trusted_proxies=trusted)
        assert ("plain text" in warnings(tls.judge(tls.look(settings), settings, NOW))) is is_told


def test_a_port_with_another_certificate_is_not_the_gateways(tmp_path: Path) -> None:
    settings = _settings(tmp_path, port=1)
    assert not ports._has_certificate(settings.tls_cert or tmp_path, "127.0.0.1", 1)
