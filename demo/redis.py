"""`python -m demo.redis`: makes sure that there is a redis-server, which the tests start as often as they need it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

_OLDEST = 7
_PACKAGE = "redis-server"


class RedisMissingError(Exception):
    """There is no redis-server, and none could be installed; the message says what to do."""


def install() -> None:
    """Install redis-server with apt if it is not there and this is root on Debian or Ubuntu.

    Raises RedisMissingError.
    """
    if shutil.which("redis-server") is None:
        _install_package()
    _check_version()


def _install_package() -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise RedisMissingError(
            f"The tests need redis-server and redis-cli {_OLDEST} or newer on PATH; no service has to run. On Debian "
            f"and Ubuntu: apt-get install {_PACKAGE} (as root this happens by itself). On macOS: brew install redis."
        )
    print("installing redis-server…", flush=True)
    # Run level 1 is single-user mode, in which packages start no service: the tests start servers of their own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", _PACKAGE]):
        # What dpkg says about each file is of no interest unless it fails.
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RedisMissingError(f"this failed: {' '.join(command)}\n{done.stdout}{done.stderr}")
    if shutil.which("redis-server") is None:
        raise RedisMissingError(f"apt-get installed {_PACKAGE}, but redis-server is not on PATH")


def _check_version() -> None:
    told = subprocess.run(["redis-server", "--version"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"\bv=(\d+)\.", told)
    if found is None or int(found[1]) < _OLDEST:
        raise RedisMissingError(f"The tests need redis-server {_OLDEST} or newer; the one on PATH says: {told.strip()}")
    if shutil.which("redis-cli") is None:
        raise RedisMissingError("The tests need redis-cli beside redis-server; install the package redis-tools")


if __name__ == "__main__":
    try:
        install()
    except RedisMissingError as error:
        sys.exit(str(error))
