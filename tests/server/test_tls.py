"""TLS by the gateway itself, with real handshakes."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.wire import chat, read_to_end, wait_for
from tests.server.scene import LONG_S, Certificates, Pair, lines, policy_in, said, serving, write
from tests.support.gateway import GatewayProcess, gateway, mint, start_gateway
from tests.support.redis import free_port
from tests.support.upstream import ScriptedUpstream

HSTS = "strict-transport-security"
REFUSED = "the certificate is not valid, that before stays in force"
pytestmark = pytest.mark.xdist_group("server")


class Scene:
    """A gateway with two workers that speak TLS."""

    def __init__(self, folder: Path, process: GatewayProcess, certificates: Certificates, pair: Pair) -> None:
        self.folder = folder
        self.process = process
        self.certificates = certificates
        self.pair = pair
        self.address = "127.0.0.1", urlsplit(process.url).port or 0

    def client(self) -> httpx.Client:
        trust = self.certificates.trust()
        return httpx.Client(base_url=self.process.url, verify=trust, trust_env=False, timeout=30)

    @contextmanager
    def connected(self, context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
        context = context or self.certificates.trust()
        with (
            socket.create_connection(self.address, 30) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            yield secured

    def shown(self) -> bytes | None:
        """The certificate that one of the workers shows."""
        with self.connected() as secured:
            return secured.getpeercert(binary_form=True)

    def shows(self, pair: Pair) -> bool:
        """Whether it is this one, whichever worker is asked."""
        own = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
        return all(self.shown() == own for _ in range(20))

    def install(self, pair: Pair) -> None:
        """As certbot and the like do it."""
        write(self.pair.certificate, pair.certificate.read_text())
        write(self.pair.key, pair.key.read_text())


@pytest.fixture(scope="module")
def secured(_scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("tls")
    certificates = Certificates(folder)
    pair = certificates.issue("gateway")
    process = start_gateway(
        folder,
        _scripted.url,
        policy_in(folder),
        *pair.flags,
        "--workers",
        "2",
        settings={"GATEWAY_HEADER_TIMEOUT": "1"},
        metrics_port=free_port(),
    )
    assert wait_for(lambda: len(serving(process)) == 2, LONG_S)
    yield Scene(folder, process, certificates, pair)
    process.stop()


def test_it_answers_and_says_https(secured: Scene, upstream: ScriptedUpstream) -> None:
    assert secured.process.url.startswith("https://127.0.0.1:")
    with secured.client() as client:
        done = client.post("/v1/chat/completions", json=chat("I am ada@example.org"), headers=secured.process.headers)
    assert done.status_code == 200
    assert done.json()["choices"][0]["message"]["content"] == "I am ada@example.org"
    assert upstream.bodies[0]["messages"][0]["content"] == "I am <EMAIL_ADDRESS_1>"


def test_every_answer_demands_tls_from_now_on(secured: Scene, upstream: ScriptedUpstream) -> None:
    headers = secured.process.headers
    with secured.client() as client:
        answers = [
            client.get("/health/live"),
            client.get("/nowhere"),
            client.get("/v1/models"),
            client.delete("/v1/models"),
            client.post("/v1/chat/completions", json=chat(), headers=headers),
            client.post("/v1/chat/completions", json=chat(stream=True), headers=headers),
        ]
    assert [answer.status_code for answer in answers] == [200, 404, 401, 405, 200, 200]
    assert all(answer.headers[HSTS] == "max-age=31536000" for answer in answers)
    with secured.connected() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        raw = read_to_end(connection)
    assert raw.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nstrict-transport-security: max-age=31536000\r\n" in raw


def test_without_tls_nothing_demands_it(gateway_process: GatewayProcess) -> None:
    assert HSTS not in httpx.get(f"{gateway_process.url}/health/live", trust_env=False).headers


def test_only_modern_tls_is_spoken(secured: Scene) -> None:
    with secured.connected() as connection:
        assert connection.version() == "TLSv1.3"
    older = secured.certificates.trust()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with secured.connected(older) as connection:
        assert connection.version() == "TLSv1.2"
        name, _, bits = connection.cipher() or ("", "", 0)
        assert name.startswith("ECDHE-")
        assert bits >= 128
    for ciphers in ("AES128-SHA:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"):
        weak = secured.certificates.trust()
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers(ciphers)
        with pytest.raises((ssl.SSLError, ConnectionError)), secured.connected(weak):
            pass


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_are_refused(secured: Scene) -> None:
    old = secured.certificates.trust()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)), secured.connected(old):
        pass


def test_http_2_is_not_promised(secured: Scene) -> None:
    offering = secured.certificates.trust()
    offering.set_alpn_protocols(["h2", "http/1.1"])
    with secured.connected(offering) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_plain_text_on_the_port_of_tls_gets_nothing(secured: Scene) -> None:
    with socket.create_connection(secured.address, 30) as plain:
        plain.sendall(b"GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n")
        assert b"HTTP/1.1" not in read_to_end(plain)


@pytest.mark.parametrize("begun", [b"", bytes.fromhex("160301020001")], ids=["nothing", "half a hello"])
def test_a_handshake_that_does_not_end_is_ended(secured: Scene, begun: bytes) -> None:
    with socket.create_connection(secured.address, 30) as plain:
        plain.sendall(begun)
        plain.settimeout(15)
        read_to_end(plain)
    with secured.client() as client:
        assert client.get("/health/live").status_code == 200


def test_a_handshake_that_trickles_in_is_ended(secured: Scene) -> None:
    with socket.create_connection(secured.address, 30) as plain:
        until = time.monotonic() + 20
        hello = bytes.fromhex("1603010200") + bytes(512)
        try:
            for octet in hello:
                plain.sendall(bytes([octet]))
                time.sleep(0.1)
                assert time.monotonic() < until, "the gateway put up with it"
        except ConnectionError:
            return
    raise AssertionError("the gateway put up with it")


def test_headers_over_tls_have_their_limit(secured: Scene) -> None:
    with secured.connected() as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\n")
        connection.settimeout(15)
        read_to_end(connection)


def test_a_renewed_certificate_is_shown_and_connections_go_on(secured: Scene) -> None:
    with secured.client() as client:
        assert client.get("/health/live").status_code == 200
        renewed = secured.certificates.issue("renewed")
        secured.install(renewed)
        assert wait_for(lambda: secured.shows(renewed), LONG_S)
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").json()["files"]["tls"] == "in force"


def test_a_key_of_another_certificate_changes_nothing(secured: Scene) -> None:
    before, other = secured.shown(), secured.certificates.issue("other")
    told = len(said(secured.process, REFUSED))
    own_key = secured.pair.key.read_text()
    write(secured.pair.key, other.key.read_text())
    assert wait_for(lambda: len(said(secured.process, REFUSED)) >= told + 2, LONG_S)
    assert "the key is not that of the certificate" in said(secured.process, REFUSED)[-1]["problem"]
    assert {secured.shown() for _ in range(10)} == {before}
    with secured.client() as client:
        ready = client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["files"]["tls"].startswith("not valid")
    metrics = httpx.get(secured.process.metrics_url, trust_env=False).text
    assert 'gateway_reloads_total{files="tls",result="refused"}' in metrics
    write(secured.pair.key, own_key)

    def mended() -> bool:
        with secured.client() as client:
            return all(client.get("/health/ready").json()["files"]["tls"] == "in force" for _ in range(10))

    assert wait_for(mended, LONG_S)


def test_half_a_certificate_and_one_that_others_may_read_change_nothing(secured: Scene) -> None:
    before, whole = secured.shown(), secured.pair.certificate.read_text()

    def is_refused(told: int) -> bool:
        os.kill(secured.process.process.pid, signal.SIGHUP)
        return wait_for(lambda: len(said(secured.process, REFUSED)) >= told + 2, LONG_S)

    told = len(said(secured.process, REFUSED))
    write(secured.pair.certificate, whole[:200])
    assert is_refused(told)
    write(secured.pair.certificate, whole)
    told = len(said(secured.process, REFUSED))
    os.chmod(secured.pair.key, 0o640)
    assert is_refused(told)
    assert "chmod 600" in said(secured.process, REFUSED)[-1]["problem"]
    assert {secured.shown() for _ in range(10)} == {before}
    os.chmod(secured.pair.key, 0o600)
    os.kill(secured.process.process.pid, signal.SIGHUP)
    assert not any("PRIVATE" in str(line) for line in lines(secured.process))


def test_a_key_that_others_could_read_is_taken_when_they_cannot(secured: Scene) -> None:
    """What the message asks for changes neither what is in the file nor when it was written."""
    renewed, told = secured.certificates.issue("mended"), len(said(secured.process, REFUSED))
    secured.install(renewed)
    os.chmod(secured.pair.key, 0o644)
    assert wait_for(lambda: len(said(secured.process, REFUSED)) > told, LONG_S)
    os.chmod(secured.pair.key, 0o600)
    assert wait_for(lambda: secured.shows(renewed), LONG_S)


def test_clients_prove_who_they_are(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    certificates, strangers = Certificates(tmp_path), Certificates(tmp_path, "strangers")
    pair, friend, stranger = certificates.issue("gateway"), certificates.of_client("friend"), strangers.of_client("x")
    process = start_gateway(
        tmp_path, upstream.url, policy_in(tmp_path), *pair.flags, "--tls-client-ca", str(certificates.file)
    )
    try:
        url = f"{process.url}/health/live"
        assert httpx.get(url, verify=certificates.trust(friend), trust_env=False).status_code == 200
        # Also a certificate of the right authority for servers.
        for shown in (None, stranger, pair):
            with pytest.raises(httpx.TransportError):
                httpx.get(url, verify=certificates.trust(shown), trust_env=False)
        assert httpx.get(url, verify=certificates.trust(friend), trust_env=False).status_code == 200
        port = str(urlsplit(url).port)
        done = gateway("doctor", "--port", port, *pair.flags, "--tls-client-ca", str(certificates.file))
        assert "a gateway serves there" in done.stdout
    finally:
        process.stop()


def test_wrong_files_are_told_before_anything_listens(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    pair, other = certificates.issue("gateway"), certificates.issue("other")
    readable = certificates.issue("readable")
    os.chmod(readable.key, 0o644)
    mint(tmp_path / "tokens.yaml", "acme")
    policy = policy_in(tmp_path)
    for flags, problem in (
        (pair.flags[:2], "setting tls_key"),
        (pair.flags[2:], "setting tls_cert"),
        (("--tls-client-ca", str(certificates.file)), "setting tls_cert"),
        ((*pair.flags[:2], "--tls-key", str(other.key)), "the key is not that of the certificate"),
        ((*pair.flags[:2], "--tls-key", str(tmp_path / "none")), "No such file"),
        (("--tls-cert", str(policy), *pair.flags[2:]), "in PEM"),
        (readable.flags, "chmod 600"),
        ((*pair.flags, "--tls-client-ca", str(policy)), "in PEM"),
        (("--upstream-ca", str(certificates.file)), "authorities are for https://"),
        (("--upstream", "https://127.0.0.1:9/v1", "--upstream-ca", str(policy)), "as certificates of authorities"),
    ):
        done = gateway("serve", "--policy", str(policy), "--tokens", str(tmp_path / "tokens.yaml"), *flags)
        assert done.returncode == 2, flags
        assert problem in done.stderr, done.stderr
