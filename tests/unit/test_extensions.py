"""The engines in C: compiled, shipped, left out of the repository, and made anew when their sources change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hatch_build import EXTENSIONS, Extension, compile_engines

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.module)
def test_an_engine_is_known_wherever_it_has_to_be(extension: Extension) -> None:
    assert list((ROOT / extension.folder / "native").glob("*.c"))
    assert (ROOT / extension.file).exists()
    assert extension.file.as_posix() in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert f"{extension.folder.as_posix()}/native/*.[ch]" in (ROOT / "Makefile").read_text("utf-8")


def test_an_engine_that_does_not_compile_stops_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [(ROOT / extension.file).stat().st_mtime_ns for extension in EXTENSIONS]
    monkeypatch.setenv("CC", "false")
    with pytest.raises(SystemExit, match="did not compile with false"):
        compile_engines(ROOT)
    assert [(ROOT / extension.file).stat().st_mtime_ns for extension in EXTENSIONS] == before


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.module)
def test_a_gateway_without_an_engine_says_what_to_install(extension: Extension) -> None:
    package = ".".join(extension.folder.parts)
    script = f"import sys; sys.modules['{package}.{extension.module}'] = None; import {package}.engine"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "install a C compiler" in done.stderr
