"""Network namespaces of this machine in the place of containers, with cables between them in the place of networks."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_NAMES = Path("/etc/netns")


def can_be_made() -> bool:
    """That takes root and iproute2."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"pgw{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", name], check=True)
    return made


def ip(*words: str) -> None:
    """What iproute2's command does."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


def inside(namespace: str, *command: str) -> list[str]:
    """The command, run in there."""
    return ["ip", "netns", "exec", namespace, *command]


def reaches(namespace: str, address: str, port: int) -> bool:
    """Whether a connection can be opened from there."""
    code = f"import socket; socket.create_connection(({address!r}, {port}), 2)"
    command = inside(namespace, sys.executable, "-c", code)
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def namespace(name: str, hosts: Mapping[str, str] | None = None) -> Iterator[str]:
    """A new one, which passes nothing on. `hosts`: addresses by the names that they have in there."""
    ip("netns", "add", name)
    folder = _NAMES / name
    try:
        ip("-n", name, "link", "set", "lo", "up")
        # New ones do as the host does, which may pass packets on.
        stop = inside(name, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
        subprocess.run(stop, check=False, capture_output=True)
        if hosts is not None:
            folder.mkdir(parents=True)
            lines = ["127.0.0.1 localhost", *(f"{address} {host}" for host, address in hosts.items())]
            (folder / "hosts").write_text("\n".join(lines) + "\n")
        yield name
    finally:
        ip("netns", "del", name)  # with its end of each cable, and so the cable
        shutil.rmtree(folder, ignore_errors=True)


def connect(first: str, address: str, second: str, other: str) -> None:
    """A cable from one to another, with an address at each end."""
    names = [f"v{secrets.token_hex(4)}" for _ in range(2)]
    ip("link", "add", names[0], "netns", first, "type", "veth", "peer", "name", names[1], "netns", second)
    for place, link, own in ((first, names[0], address), (second, names[1], other)):
        ip("-n", place, "address", "add", f"{own}/24", "dev", link)
        ip("-n", place, "link", "set", link, "up")
