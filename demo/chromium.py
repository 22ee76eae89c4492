"""`python -m demo.chromium`: makes sure that there is a Chromium, in which the tests look at the page /ui."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PACKAGES = ("chromium", "fonts-dejavu-core")


class ChromiumMissingError(Exception):
    """There is no Chromium, and none could be installed; the message says what to do."""


def chromium() -> str | None:
    """The path of a Chromium or Chrome: what CHROMIUM names, or one on PATH; None if there is none."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def install() -> None:
    """Install Chromium with apt if it is not there and this is root on Debian or Ubuntu.

    Raises ChromiumMissingError.
    """
    if chromium() is not None:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise ChromiumMissingError(
            "The tests of the page /ui need Chromium or Chrome on PATH, or its path in CHROMIUM. On Debian: apt-get "
            "install chromium (as root this happens by itself)."
        )
    print("installing chromium…", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
    for command in (["apt-get", "update", "-qq"], install):
        # What dpkg says about each file is of no interest unless it fails.
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise ChromiumMissingError(f"this failed: {' '.join(command)}\n{done.stdout}{done.stderr}")
    if chromium() is None:
        raise ChromiumMissingError("apt-get installed chromium, but it is not on PATH")


if __name__ == "__main__":
    try:
        install()
    except ChromiumMissingError as error:
        sys.exit(str(error))
