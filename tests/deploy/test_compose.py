"""docker-compose.yml and what it mounts: valid, and cut off and locked down as docs/deploy.md says.

There need be no Docker for this: the files are read. tests/deploy/test_layout.py runs the same layout.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prepare import CONTEXTS, FOLDERS
from gateway.settings import Settings
from gateway.store import redis
from tests.conftest import ROOT
from tests.support.registered import registered

DEPLOY = ROOT / "deploy"
COMPOSE = ROOT / "docker-compose.yml"
DOCUMENT: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
# An id of a test that is `vllm` alone would be counted among those that need one.
EACH = pytest.mark.parametrize("service", SERVICES.values(), ids=[f"service {name}" for name in SERVICES])
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "gateway.json").read_text("utf-8"))
PROVISIONED = [path for kind in ("*.yml", "*.yaml", "*.json") for path in sorted(DEPLOY.rglob(kind))]
STATE = "${GATEWAY_STATE:-./deploy/state}"
# What a secret is called, and what looks like one.
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)
SECRET_VALUE = re.compile(r"://[^/\s]*:[^/\s]*@|pgw_|[A-Za-z0-9+_-]{32,}")


def program(name: str) -> str:
    """Of a package that is there for tests; in the environment's folder, or on PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def environment(service: dict[str, Any]) -> dict[str, str]:
    """What stands in a service's environment, also by way of files."""
    named: dict[str, str] = dict(service.get("environment", {}))
    for file in service.get("env_file", []):
        lines = (ROOT / file).read_text("utf-8").splitlines()
        named.update(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return named


def networks(name: str) -> set[str]:
    return set(SERVICES[name]["networks"])


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Source, target and mode of each."""
    for volume in service.get("volumes", []):
        source, target, *mode = volume.replace(STATE, "STATE").split(":")
        yield source.replace("STATE", "./deploy/state"), target, mode[0] if mode else "rw"


def test_it_is_valid_by_the_compose_specification() -> None:
    command = [program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", ["Dockerfile", "vllm/Dockerfile.cpu"])
def test_dockerfiles_are_as_hadolint_wants_them(path: str) -> None:
    done = subprocess.run([program("hadolint"), str(DEPLOY / path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PROVISIONED, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_what_is_provisioned_can_be_read(path: Path) -> None:
    text = path.read_text("utf-8")
    document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    assert isinstance(document, dict)
    assert document


def test_shell_scripts_have_no_mistakes_in_their_grammar() -> None:
    for path in sorted(DEPLOY.rglob("*.sh")):
        subprocess.run(["sh", "-n", str(path)], check=True)


@EACH
def test_a_service_may_do_as_little_as_can_be(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    # It cannot be left out, and deploy/prepare.py never writes 0.
    assert service["user"].startswith("${GATEWAY_USER:?")
    assert not service.keys() & {"cap_add", "privileged", "devices", "pid", "ipc", "network_mode", "userns_mode"}


@EACH
def test_a_service_has_limits(service: dict[str, Any]) -> None:
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@EACH
def test_what_lasts_is_looked_after(service: dict[str, Any]) -> None:
    if service["restart"] == "no":
        assert service["profiles"] == ["fetch"]
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["healthcheck"].keys() >= {"interval", "timeout"}


@EACH
def test_no_secret_is_in_an_environment_variable_or_a_command_line(service: dict[str, Any]) -> None:
    for name, value in environment(service).items():
        if SECRET_NAME.search(name) and not name.startswith("GATEWAY_TOKENS"):
            # Only where it is.
            assert value.startswith(("/run/secrets/", "file:/run/secrets/", "/var/lib/gateway/keys/")), name
        assert not SECRET_VALUE.search(value), name
    words = " ".join([*service.get("command", []), *service.get("entrypoint", [])])
    assert not SECRET_VALUE.search(words)


def test_only_the_gateway_is_published_and_on_this_host_alone_by_default() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["gateway"]
    assert SERVICES["gateway"]["ports"] == ["${GATEWAY_ADDRESS:-127.0.0.1}:${GATEWAY_PORT:-8080}:8080"]


def test_there_is_no_way_out_but_for_the_gateway_and_for_who_fetches_models() -> None:
    internal = {name for name, network in DOCUMENT["networks"].items() if network.get("internal")}
    assert internal == {"models", "store", "metrics"}
    assert {name for name in SERVICES if networks(name) - internal} == {"gateway", "fetch"}
    masquerade = DOCUMENT["networks"]["edge"]["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"]
    assert masquerade == "${GATEWAY_OUTBOUND:-false}"


def test_vllm_and_redis_meet_nobody_but_the_gateway() -> None:
    assert networks("vllm") == networks("vllm-cpu") == {"models"}
    assert networks("redis") == {"store"}
    assert networks("fetch") == {"outside"}
    assert networks("prometheus") == networks("grafana") == {"metrics"}
    for name in ("models", "store", "outside"):
        others = {service for service in SERVICES if name in networks(service)} - {"gateway"}
        assert len(others - {"vllm-cpu"}) == 1, name


def test_secrets_are_files_of_the_prepared_folder_and_each_is_used() -> None:
    used: set[str] = set()
    for service in SERVICES.values():
        used |= {s if isinstance(s, str) else s["source"] for s in service.get("secrets", [])}
    assert used == DOCUMENT["secrets"].keys()
    assert all(s["file"].startswith(f"{STATE}/secrets/") for s in DOCUMENT["secrets"].values())


def test_each_has_the_secrets_that_it_needs_and_no_others() -> None:
    def secrets_of(name: str) -> set[str]:
        return {s if isinstance(s, str) else s["source"] for s in SERVICES[name].get("secrets", [])}

    assert secrets_of("vllm") == secrets_of("vllm-cpu") == {"upstream_key"}
    assert secrets_of("redis") == {"redis_users", "redis_ca", "redis_certificate", "redis_private_key"}
    assert secrets_of("fetch") == {"hf_token"}
    assert secrets_of("grafana") == {"grafana_password"}
    assert not secrets_of("prometheus")
    assert not secrets_of("gateway") & {"redis_private_key", "redis_users", "hf_token", "grafana_password"}


@EACH
def test_what_is_mounted_is_there_or_made_by_prepare(service: dict[str, Any]) -> None:
    for source, _, mode in mounts(service):
        if source.startswith("./deploy/state/"):
            assert source.removeprefix("./deploy/state/") in FOLDERS
        else:
            assert (ROOT / source).exists(), source
            assert mode == "ro", source


def test_where_the_gateway_looks_something_is_mounted() -> None:
    service = SERVICES["gateway"]
    targets = {target for _, target, _ in mounts(service)}
    files = {f"/run/secrets/{s if isinstance(s, str) else s['target']}" for s in service["secrets"]}
    for name, value in environment(service).items():
        path = value.removeprefix("file:")
        if path.startswith("/"):
            assert path in files | targets or str(Path(path).parent) in targets, name
    assert service["command"][-1] in files


def test_the_settings_are_settings() -> None:
    named = environment(SERVICES["gateway"])
    settings = Settings.resolve({}, named, None)
    assert {f"GATEWAY_{name.upper()}" for name in settings.model_fields_set} == named.keys() - {"XDG_CACHE_HOME"}
    assert settings.upstream == "http://vllm:8000/v1"


def test_the_model_is_as_long_as_the_policy_says() -> None:
    for name, profile in (("vllm", "gpu"), ("vllm-cpu", "cpu")):
        command = SERVICES[name]["command"]
        assert command[command.index("--max-model-len") + 1] == str(CONTEXTS[profile])
        assert SERVICES[name]["profiles"] == [profile]


def test_redis_gives_the_gateway_no_command_that_its_store_does_not_name() -> None:
    """In a cluster and on Redis 6 it may need a few more; what it does need is tried by test_layout.py."""
    users = {line.split()[1]: line for line in _users()}
    assert users.keys() == {"default", "health", "gateway"}
    assert users["default"].split()[2] == "off"
    assert re.findall(r"\+\S+", users["default"]) == []
    assert re.findall(r"\+\S+", users["health"]) == ["+ping"]
    granted = {word.split("|")[0] for word in re.findall(r"\+\S+", users["gateway"])}
    assert granted <= set(re.findall(r"\+[a-z|]+", redis.__doc__ or ""))
    assert re.findall(r"[~&]\S+", users["gateway"]) == ["~pgw:*", "&pgw:*"]


def _users() -> list[str]:
    return (DEPLOY / "redis" / "users.acl.template").read_text("utf-8").splitlines()


def test_redis_evicts_nothing_writes_nothing_and_takes_tls_only() -> None:
    lines = (DEPLOY / "redis" / "redis.conf").read_text("utf-8").splitlines()
    options = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    assert options["maxmemory-policy"] == "noeviction"
    assert options["save"] == '""'
    assert options["appendonly"] == "no"
    assert options["port"] == "0"
    assert options["tls-auth-clients"] == "yes"
    assert "requirepass" not in options
    megabytes = int(options["maxmemory"].removesuffix("mb"))
    limit = SERVICES["redis"]["deploy"]["resources"]["limits"]["memory"]
    assert megabytes < int(limit.removesuffix("m"))


def metrics() -> dict[str, set[str]]:
    """What the gateway counts: names as Prometheus has them, and their labels."""
    return {"up": {"job"}, **registered()}


def queries() -> list[str]:
    """All PromQL of the dashboard and of the alerts."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    asked += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [query.replace("$__rate_interval", "1m") for query in asked]


@pytest.mark.parametrize("query", queries())
def test_what_is_asked_of_prometheus_is_what_the_gateway_counts(query: str) -> None:
    known = metrics()
    named = set(re.findall(r"\b(?:gateway_\w+|up)\b(?=[{\[)]|$)", query))
    assert named
    assert named <= known.keys()
    labels = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")}
    labels |= set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", query))
    assert labels <= set.union(*(known[name] for name in named))


@pytest.mark.parametrize("query", queries())
def test_what_is_asked_of_prometheus_is_promql(query: str) -> None:
    parser = pytest.importorskip("promql_parser")
    parser.parse(query)


def test_panels_do_not_overlap_and_ask_the_provisioned_source() -> None:
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8"))
    uid = source["datasources"][0]["uid"]
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        left, top, width, height = (panel["gridPos"][name] for name in "xywh")
        assert left + width <= 24
        own = {(x, y) for x in range(left, left + width) for y in range(top, top + height)}
        assert not own & cells, panel["title"]
        cells |= own
        assert all(target["datasource"]["uid"] == uid for target in panel["targets"])


def test_prometheus_asks_the_port_that_the_gateway_has() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    port = environment(SERVICES["gateway"])["GATEWAY_METRICS_PORT"]
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": [f"gateway:{port}"]}]


def test_images_get_nothing_that_was_prepared() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not [rule for rule in rules if rule.startswith("!deploy") or rule == "!.env"]
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"deploy/state/", ".env"} <= set(ignored)
