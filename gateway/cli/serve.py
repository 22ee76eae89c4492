"""`gateway serve`."""

from __future__ import annotations

import gc
import logging
import os
import signal
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from gateway.app import create_app, keyring_of
from gateway.edge.server import listen, serve_one
from gateway.edge.workers import serve_many
from gateway.observe.metrics import forget_metrics, serve_metrics, share_metrics, shared_registry
from gateway.seal.keyring import Keyring
from gateway.settings import ConfigurationError, Settings

DEFAULT_FILE = Path("gateway.yaml")


def serve(
    config: Annotated[Path | None, typer.Option(help="Settings file; gateway.yaml is read if it is there.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    policy: Annotated[Path | None, typer.Option(help="The policy, a YAML file.")] = None,
    tenants: Annotated[Path | None, typer.Option(help="Policies of single tenants, a YAML file.")] = None,
    upstream: Annotated[str | None, typer.Option(help="Base URL of vLLM, ending in /v1.")] = None,
    upstream_key_file: Annotated[Path | None, typer.Option(help="File with the key for the upstream.")] = None,
    tokens: Annotated[Path | None, typer.Option(help="The tokens file, made by `gateway token mint`.")] = None,
    oidc: Annotated[Path | None, typer.Option(help="Issuers whose JWTs are taken too, a YAML file.")] = None,
    trusted_proxies: Annotated[
        str | None, typer.Option(help="Networks whose X-Forwarded-For is believed, with commas between.")
    ] = None,
    keyset: Annotated[Path | None, typer.Option(help="The keyset, made by `gateway key init`.")] = None,
    master_key: Annotated[
        str | None, typer.Option(help="What opens the keyset: env:NAME, file:PATH or command:PROGRAM ARGS.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="Of the cache: memory://, redis://… or rediss://….")] = None,
    upstream_ca: Annotated[Path | None, typer.Option(help="Who signs the upstream's certificate, a PEM file.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="The gateway's certificate with its chain, a PEM file.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The key of the certificate, a PEM file.")] = None,
    tls_client_ca: Annotated[Path | None, typer.Option(help="Who signs the certificates of clients.")] = None,
    drain_delay: Annotated[float | None, typer.Option(help="Seconds of not being ready before the end.")] = None,
    drain_timeout: Annotated[float | None, typer.Option(help="Seconds for what is under way at the end.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that serve.")] = None,
    places: Annotated[int | None, typer.Option(help="Requests of a worker that are with the models; 0: all.")] = None,
    queue: Annotated[int | None, typer.Option(help="Requests of a worker that may wait for a place.")] = None,
    audit: Annotated[str | None, typer.Option(help="Audit log: a file, - for standard output, or none.")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Port of /metrics; 0 for none.")] = None,
    traces: Annotated[str | None, typer.Option(help="Where spans go by OTLP over HTTP, a URL; or none.")] = None,
    traces_ratio: Annotated[float | None, typer.Option(help="The part of exchanges with spans, from 0 to 1.")] = None,
    access_log: Annotated[
        bool | None, typer.Option("--access-log/--no-access-log", help="A line in the log for each exchange.")
    ] = None,
    ui: Annotated[str | None, typer.Option(help="The page /ui for looking at prompts and counts: on or off.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve the gateway. Prints one line `ready http://…` or `ready https://…` when it does."""
    flags = {name: value for name, value in locals().items() if name != "config"}
    file = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    run_server(Settings.resolve(flags, os.environ, file))


def run_server(settings: Settings) -> None:
    """Serve until a signal comes. Raises ConfigurationError before anything listens if the configuration is wrong, and
    Exit with code 2 if it is wrong later and the last worker has died."""
    _ignore_early_signals()
    registry = CollectorRegistry()
    with keyring_of(settings) as keyring:
        app = create_app(settings, keyring, registry)
        gc.enable()
        listener = listen(settings)
        if settings.workers == 1:
            if settings.metrics_port:
                serve_metrics(settings.host, settings.metrics_port, registry)
            serve_one(settings, listener, app)
            return
        share_metrics()
        try:
            if settings.metrics_port:
                serve_metrics(settings.host, settings.metrics_port, shared_registry())
            if not serve_many(settings, listener, partial(_worker_app, settings, keyring)):
                raise typer.Exit(2)
        finally:
            forget_metrics()


def _worker_app(settings: Settings, keyring: Keyring) -> FastAPI:
    """The app of a worker, or one line in the log and the end of the process.

    The files may have become wrong since the gateway was started. A traceback would not be a line of the log, and
    could quote what must not be logged.
    """
    _ignore_early_signals()
    # Blocked since before the process was there; what came in the meantime is forgotten as it is ignored now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    logger = logging.getLogger("gateway")
    try:
        app = create_app(settings, keyring, CollectorRegistry())
    except ConfigurationError as error:
        logger.error("the worker could not start", extra={"problem": str(error)})  # noqa: TRY400 - says all there is
    except Exception:
        logger.exception("the worker could not start")
    else:
        gc.enable()
        return app
    raise SystemExit(2)


def _ignore_early_signals() -> None:
    """To read files again that are being read for the first time, or to replace what does not serve yet: these signals
    would end the process until it does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
