"""`python -m deploy.prepare`: makes all that has to exist on the host before `docker compose up`.

Keys, certificates, passwords, a policy, a first token: each in a file of its own, readable by its owner only. What is
there already is left alone, so it may be run again at any time; `--renew` makes certificates and Redis's password anew.

Compose gives a container the file of a secret as it is, with its owner and its mode. So all containers run as the user
whom these files belong to: whoever runs this, or 10001 if that is root.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from deploy.certificates import CLIENT, SERVER, Authority
from gateway.cli.main import run

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
STATE = DEPLOY / "state"
NOBODY = 10001
"""Whom all belongs to if root makes it: containers never run as root."""
FOLDERS = ("audit", "cache", "keys", "models", "policy", "prometheus", "secrets", "tokens")
REDIS_NAMES = ("redis", "localhost")
CONTEXTS = {"gpu": 8192, "cpu": 1024}
"""How long a conversation may be, in tokens; docker-compose.yml says the same to vLLM."""
_MODEL = "{upstream: default, id: tiny-llama, max_context: 1024}"


class PrepareError(Exception):
    """Something could not be made; the message says what to do."""


def prepare(state: Path, env_file: Path, profile: str, tenant: str, *, renew: bool = False) -> list[str]:
    """Make what is not there; gives what to tell the operator. Raises PrepareError."""
    with _for_its_owner_only():
        told = _make(state, profile, tenant, renew=renew)
    user = _give_away(state)
    if not env_file.exists():
        env_file.write_text(_environment(user, profile, state), "utf-8")
    return told


def _make(state: Path, profile: str, tenant: str, *, renew: bool) -> list[str]:
    for folder in FOLDERS:
        (state / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_keys(state)
    told = _make_redis(state / "secrets", renew=renew)
    _write_new(state / "secrets" / "upstream_key", secrets.token_urlsafe(32) + "\n")
    _write_new(state / "secrets" / "grafana_password", secrets.token_urlsafe(24) + "\n")
    _write_new(state / "secrets" / "hf_token", "")
    _write_new(state / "policy" / "policy.yaml", _policy(profile))
    if not (state / "tokens" / "tokens.yaml").exists():
        told.append(f"a token for the tenant {tenant}, shown this once: {_mint(state, tenant)}")
    return told


@contextmanager
def _for_its_owner_only() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _make_keys(state: Path) -> None:
    """The master key is a secret of its own; the keyset is in a folder, since the gateway keeps salts beside it."""
    master, keyset = state / "secrets" / "master_key", state / "keys" / "keys.json"
    if keyset.exists() and not master.exists():
        raise PrepareError(f"{master} is gone, and without it {keyset} does not open: bring it back from your backup")
    _write_new(master, secrets.token_hex(32) + "\n")
    if not keyset.exists():
        _gateway("key", "init", str(keyset), "--master-key", f"file:{master}")


def _make_redis(folder: Path, *, renew: bool) -> list[str]:
    """Certificates and the password belong together: the two ends are made at once, or neither is.

    The authority's key is forgotten as soon as it has signed: nobody can make another certificate, and there is no key
    to be kept.
    """
    names = ("ca.pem", "redis.pem", "redis.key", "gateway.pem", "gateway.key", "redis_users.acl", "gateway.yaml")
    if not renew and all((folder / name).exists() for name in names):
        return []
    authority = Authority("the authority of this gateway's Redis")
    made = {"ca.pem": authority.certificate}
    # Redis's health check asks with Redis's own certificate.
    made["redis.pem"], made["redis.key"] = authority.issue("redis", REDIS_NAMES, (SERVER, CLIENT))
    made["gateway.pem"], made["gateway.key"] = authority.issue("gateway", ("gateway",), (CLIENT,))
    password = secrets.token_urlsafe(32)
    template = (DEPLOY / "redis" / "users.acl.template").read_text("utf-8")
    digest = hashlib.sha256(password.encode()).hexdigest()
    made["redis_users.acl"] = template.replace("GATEWAY_PASSWORD_SHA256", digest)
    made["gateway.yaml"] = _settings(password)
    for name in names:
        _write(folder / name, made[name])
    return [f"the certificates of Redis and of the gateway are good until {authority.until:%Y-%m-%d}"]


def _settings(password: str) -> str:
    """The settings of the gateway that are secret; all others are in deploy/gateway.env."""
    files = {"ssl_ca_certs": "redis_ca.pem", "ssl_certfile": "gateway.pem", "ssl_keyfile": "gateway.key"}
    query = "&".join(f"{name}=/run/secrets/{file}" for name, file in files.items())
    return f"store: rediss://gateway:{password}@redis:6379/0?{query}\n"


def _policy(profile: str) -> str:
    """policies/default.yaml, with the name and the length that docker-compose.yml gives the model."""
    text = (ROOT / "policies" / "default.yaml").read_text("utf-8")
    if _MODEL not in text:
        raise PrepareError("policies/default.yaml does not name the model as this expects")
    text = text.replace(_MODEL, f"{{upstream: default, id: llama, max_context: {CONTEXTS[profile]}}}")
    return text.replace("$schema=policy.schema.json", "$schema=../../../policies/policy.schema.json")


def _mint(state: Path, tenant: str) -> str:
    tokens = str(state / "tokens" / "tokens.yaml")
    return _gateway("token", "mint", "--tokens", tokens, "--tenant", tenant, "--expires", "90d")


def _gateway(*arguments: str) -> str:
    """What the command prints."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        code = run(arguments)
    if code:
        raise PrepareError(f"gateway {' '.join(arguments[:2])}: {errors.getvalue().strip()}")
    return out.getvalue().strip()


def _give_away(state: Path) -> str:
    """Whose everything is, as `uid:gid`."""
    if os.geteuid() != 0:
        return f"{os.getuid()}:{os.getgid()}"
    for path in (state, *state.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return f"{NOBODY}:{NOBODY}"


def _environment(user: str, profile: str, state: Path) -> str:
    """What docker compose reads by itself. There is no secret in it."""
    lines: Mapping[str, str] = {"GATEWAY_USER": user, "COMPOSE_PROFILES": profile}
    if state.resolve() != STATE:
        lines = {**lines, "GATEWAY_STATE": str(state.resolve())}
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _write_new(path: Path, content: str) -> None:
    if not path.exists():
        _write(path, content)


def _write(path: Path, content: str) -> None:
    """In its place, so that a renewed file is what containers get that are made anew; for its owner only."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o600)
        file.write(content)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.prepare", description="What docker compose needs.")
    parser.add_argument("--profile", choices=sorted(CONTEXTS), default="gpu", help="where the model runs (gpu)")
    parser.add_argument("--tenant", default="demo", help="whose the first token is (demo)")
    parser.add_argument("--state", type=Path, default=STATE, help="the folder to make it in (deploy/state)")
    parser.add_argument("--env-file", type=Path, default=ROOT / ".env", help="the file that compose reads (.env)")
    parser.add_argument("--renew", action="store_true", help="new certificates, and a new password for Redis")
    given = parser.parse_args(arguments)
    try:
        told = prepare(given.state, given.env_file, given.profile, given.tenant, renew=given.renew)
    except (PrepareError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    told.append(f"{given.state} and {given.env_file} are ready; what next: docs/deploy.md")
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
