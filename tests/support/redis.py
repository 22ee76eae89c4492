"""Real Redis servers for tests, and a network that can be broken: all on loopback, all gone when the test is over."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_START_S = 15.0
_SLOTS = 16384
# Kills what it starts when the tests end in a way that runs no clean-up.
_DIE_WITH_THE_TESTS = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
# Beneath the ports that the system gives out by itself, so that a free one stays free until it is used.
_PORTS = (20_000, 29_999)


def free_port() -> int:
    """A port on loopback that is free, as is the one 10,000 above it: a cluster's nodes talk there."""
    while True:
        port = random.randint(*_PORTS)
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 10_000))
            return port


@dataclass(frozen=True)
class Certificates:
    """An authority, and a certificate by it for 127.0.0.1 and localhost."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests")])
    now = datetime.datetime.now(datetime.UTC)

    def builder(name: x509.Name, public: ec.EllipticCurvePublicKey, authority: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )

    root = builder(issuer, authority_key.public_key(), True).sign(authority_key, hashes.SHA256())
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    leaf = (
        builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key.public_key(), False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    made.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


@dataclass
class RedisServer:
    """One redis-server process. `options` are arguments such as ("--maxmemory", "2mb")."""

    folder: Path
    options: Sequence[str] = ()
    password: str = ""
    certificates: Certificates | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        if self.certificates is None:
            return f"redis://{login}127.0.0.1:{self.port}/0"
        return f"rediss://{login}127.0.0.1:{self.port}/0?ssl_ca_certs={self.certificates.authority}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["redis-server", "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        command += ["--enable-debug-command", "yes", "--logfile", "log", "--tcp-backlog", "128"]
        if self.password:
            command += ["--requirepass", self.password]
        if (made := self.certificates) is None:
            command += ["--port", str(self.port)]
        else:
            command += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
            command += ["--tls-cert-file", str(made.certificate), "--tls-key-file", str(made.key)]
            command += ["--tls-ca-cert-file", str(made.authority)]
        self.process = subprocess.Popen([*_DIE_WITH_THE_TESTS, *command, *self.options])
        until = time.monotonic() + _START_S
        while self._connects() is False:
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise AssertionError(f"redis-server did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)

    def _connects(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def cli(self, *command: str, check: bool = True) -> str:
        """What redis-cli says to a command."""
        login = ["-a", self.password, "--no-auth-warning"] if self.password else []
        tls = ["--tls", "--cacert", str(self.certificates.authority)] if self.certificates else []
        arguments = ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *login, *tls, *command]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=20)
        if check and (done.returncode or done.stdout.startswith(("ERR", "(error)"))):
            raise AssertionError(f"redis-cli {command[0]}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def busy(self, seconds: float) -> subprocess.Popen[bytes]:
        """Let it answer nobody for so long; returns at once with the process that asks it to."""
        command = ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), "DEBUG", "SLEEP", str(seconds)]
        return subprocess.Popen([*_DIE_WITH_THE_TESTS, *command], stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def redis_server(
    folder: Path, *options: str, password: str = "", certificates: Certificates | None = None
) -> Iterator[RedisServer]:
    server = RedisServer(folder, options, password, certificates)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def redis_cluster(folder: Path, nodes: int = 3) -> Iterator[list[RedisServer]]:
    """Primaries that share the slots between them, without replicas."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
    servers = [RedisServer(folder / str(number), options) for number in range(nodes)]
    try:
        for server in servers:
            server.start()
        for number, server in enumerate(servers):
            first, last = _SLOTS * number // nodes, _SLOTS * (number + 1) // nodes - 1
            server.cli("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
            server.cli("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for server in servers[1:]:
            server.cli("CLUSTER", "MEET", "127.0.0.1", str(servers[0].port))
        until = time.monotonic() + _START_S
        while not all(_knows_all(server, nodes) for server in servers):
            if time.monotonic() > until:
                raise AssertionError("the cluster did not form")
            time.sleep(0.05)
        yield servers
    finally:
        for server in servers:
            server.kill()


def _knows_all(server: RedisServer, nodes: int) -> bool:
    told = server.cli("CLUSTER", "INFO")
    return "cluster_state:ok" in told and f"cluster_known_nodes:{nodes}" in told


class Proxy:
    """A TCP proxy on loopback before a port, in a thread of its own. What it does can be changed at any time.

    `cut` breaks all connections and refuses new ones, `stall` takes bytes and passes none on, `delay_s` is how long
    bytes are held back in each direction.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._stalled = False
        self.port = free_port()
        self.delay_s = 0.0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Proxy:
        self._thread.start()
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def mend(self) -> None:
        self._stalled = False
        if self._server is None:
            self._run(self._listen())

    def cut(self) -> None:
        self._run(self._close())

    def stall(self) -> None:
        """What was in flight is lost: what was stalled once never comes."""
        self._stalled = True

    def _run(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(back)
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if not self._stalled:
                    writer.write(piece)
                    await writer.drain()
        writer.close()
