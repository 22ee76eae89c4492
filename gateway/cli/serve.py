"""`gateway serve`."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry
from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from gateway.app import Secrets, create_app
from gateway.cli.protocol import bounded_headers
from gateway.observe.metrics import forget_metrics, serve_metrics, share_metrics, shared_registry
from gateway.settings import ConfigurationError, Settings

_DEFAULT_FILE = Path("gateway.yaml")
_BACKLOG = 2048
_DRAIN_S = 30


def serve(
    config: Annotated[Path | None, typer.Option(help="Settings file; gateway.yaml is read if it is there.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    policy: Annotated[Path | None, typer.Option(help="The policy, a YAML file.")] = None,
    upstream: Annotated[str | None, typer.Option(help="Base URL of vLLM, ending in /v1.")] = None,
    upstream_key_file: Annotated[Path | None, typer.Option(help="File with the key for the upstream.")] = None,
    tokens: Annotated[Path | None, typer.Option(help="The tokens file, made by `gateway token mint`.")] = None,
    store: Annotated[str | None, typer.Option(help="memory:// keeps everything in this process.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that serve.")] = None,
    audit: Annotated[str | None, typer.Option(help="Audit log: a file, - for standard output, or none.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Port of /metrics; 0 for none.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve the gateway. Prints one line `ready http://…` when it does."""
    flags: dict[str, object] = {
        "host": host,
        "port": port,
        "policy": policy,
        "upstream": upstream,
        "upstream_key_file": upstream_key_file,
        "tokens": tokens,
        "store": store,
        "workers": workers,
        "audit": audit,
        "metrics_port": metrics_port,
        "log_level": log_level,
    }
    file = config or (_DEFAULT_FILE if _DEFAULT_FILE.exists() else None)
    run_server(Settings.resolve(flags, os.environ, file))


def run_server(settings: Settings) -> None:
    """Serve until a signal comes. Raises ConfigurationError before anything listens if the configuration is wrong."""
    registry = CollectorRegistry()
    keys = Secrets(hash_key=secrets.token_bytes(32), salt_key=secrets.token_bytes(32))
    app = create_app(settings, keys, registry)
    listener = _listen(settings)
    threading.Thread(target=_announce, args=(_url(listener),), daemon=True).start()
    if settings.workers == 1:
        if settings.metrics_port:
            serve_metrics(settings.host, settings.metrics_port, registry)
        Server(_uvicorn(settings, lambda: app)).run(sockets=[listener])
        return
    share_metrics()
    try:
        if settings.metrics_port:
            serve_metrics(settings.host, settings.metrics_port, shared_registry())
        configuration = _uvicorn(settings, partial(_worker_app, settings, keys))
        Multiprocess(configuration, target=Server(configuration).run, sockets=[listener]).run()
    finally:
        forget_metrics()


def _worker_app(settings: Settings, keys: Secrets) -> object:
    return create_app(settings, keys, CollectorRegistry())


def _uvicorn(settings: Settings, factory: object) -> Config:
    return Config(
        factory,  # type: ignore[arg-type]  # uvicorn's stub knows only apps, its factory option also callables
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=bounded_headers(settings.header_timeout),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_DRAIN_S,
        backlog=_BACKLOG,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise ConfigurationError(
            f"setting port: {settings.host}:{settings.port} cannot be listened on ({error.strerror}); choose another"
        ) from None
    listener.listen(_BACKLOG)
    listener.set_inheritable(True)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(url: str) -> None:
    """Ask until a worker answers, then say so, once."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    reachable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    while True:
        try:
            opener.open(f"{reachable}/health/live", timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            print(f"ready {url}", flush=True)
            return
