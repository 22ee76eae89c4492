"""The master key, under which the keyset and the salts are sealed, and where it comes from: an environment variable, a
file, or a program that asks a key management service. It is kept apart from what it opens, and never shown."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gateway.seal.derive import KEY_BYTES
from gateway.seal.files import read_private, write_new
from gateway.settings import ConfigurationError

_COMMAND_S = 30.0
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9_-]{43}=?")
_FEWEST_BYTES = 8
_EXPECTED = "expected 32 random bytes as base64 or as 64 hexadecimal digits, such as `openssl rand -hex 32` makes"
_FORMS = "env:NAME, file:PATH or command:PROGRAM ARGUMENTS"


def master_key(
    source: str | None, keyset: Path, environ: Mapping[str, str] = os.environ, limit_s: float = _COMMAND_S
) -> bytes:
    """32 bytes from a source: `env:NAME`, `file:PATH`, `command:PROGRAM ARGUMENTS`; None is the file beside the keyset.

    Raises ConfigurationError, which never quotes what the source said.
    """
    if source is None:
        if not keyset.exists():
            raise ConfigurationError(f"{keyset}: there is no such file; `gateway key init {keyset}` makes it")
        return _beside(keyset)
    kind, _, rest = source.partition(":")
    if kind == "env" and rest:
        if rest not in environ:
            raise ConfigurationError(f"setting master_key: there is no environment variable {rest}; {_EXPECTED}")
        return _decoded(environ[rest], f"environment variable {rest}")
    if kind == "file" and rest:
        return _decoded(_text(Path(rest), "put the master key there, or name another place in master_key"), rest)
    if kind == "command" and rest.strip():
        return _decoded(_said(rest, limit_s), "what the command of the setting master_key printed")
    raise ConfigurationError(f"setting master_key: expected {_FORMS}")


def default_master(keyset: Path) -> Path:
    """Where the master key of a keyset is if nobody says otherwise."""
    return keyset.with_name(keyset.name + ".master")


def make_master(keyset: Path) -> bytes:
    """A new master key in the file beside the keyset, or the one that is there. Raises ConfigurationError."""
    path = default_master(keyset)
    key = secrets.token_bytes(KEY_BYTES)
    try:
        write_new(path, base64.urlsafe_b64encode(key) + b"\n")
    except FileExistsError:
        return _beside(keyset)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None
    return key


def _beside(keyset: Path) -> bytes:
    path = default_master(keyset)
    return _decoded(_text(path, f"bring it back, or say where the master key is (master_key): {_FORMS}"), path)


def _text(path: Path, missing: str) -> str:
    return read_private(path, missing).decode("ascii", "replace")


def _decoded(text: str, place: Path | str) -> bytes:
    """Raises ConfigurationError if it is not 32 bytes, or so plain that nobody drew them at random."""
    text = text.strip()
    key = b""
    if _HEX.fullmatch(text):
        key = bytes.fromhex(text)
    elif _BASE64.fullmatch(text := text.translate({ord("+"): "-", ord("/"): "_"})):
        with suppress(binascii.Error):
            key = base64.urlsafe_b64decode(text.rstrip("=") + "=")
    if len(key) != KEY_BYTES or len(set(key)) < _FEWEST_BYTES:
        raise ConfigurationError(f"{place}: is not a master key; {_EXPECTED}")
    return key


def _said(command: str, limit_s: float) -> str:
    """What a program prints. It runs without a shell, and what it says on standard error is not heard."""
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (ValueError, OSError):
        raise ConfigurationError("setting master_key: its command cannot be run; try it in a shell") from None
    with process:
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            # With all that it started: one of those could hold the pipe open for ever.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise ConfigurationError(
                f"setting master_key: its command gave no key within {limit_s:g} s; try it in a shell"
            ) from None
    if process.returncode != 0:
        raise ConfigurationError(
            f"setting master_key: its command ended with exit code {process.returncode}; try it in a shell"
        )
    return said.decode("ascii", "replace")
