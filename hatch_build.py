"""Compiles the native engines, in place, whenever the package is built or installed: see `EXTENSIONS`.

It needs a C compiler (cc, gcc or clang, or what CC names; else the package `ziglang`, which brings one) and Python.h.
The extensions use the stable ABI: one file serves CPython 3.11 and newer. `python hatch_build.py` compiles them alone.
"""

from __future__ import annotations

import array
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ["-O3", "-std=c11", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra", "-ffp-contract=off"]


class Extension(NamedTuple):
    """A module that is compiled from the folder `native` beside it."""

    title: str
    folder: Path
    module: str

    @property
    def file(self) -> Path:
        return self.folder / f"{self.module}.abi3.so"


GUARD = Path("gateway/guard/regurgitation")
EXTENSIONS = (
    Extension("the engine of the regurgitation guard", GUARD, "_engine"),
    Extension("the engine of the names model", Path("gateway/redact/ner"), "_network"),
)


class NativeHook(BuildHookInterface[Any]):
    """Builds the extension before the package is put together, and says that a wheel is for this platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises SystemExit, with what to install, if it cannot be compiled."""
        if self.target_name != "wheel":
            return
        compile_engines(Path(self.root))
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"cp311-abi3-{platform}"
        build_data["artifacts"] += [f"/{extension.file.as_posix()}" for extension in EXTENSIONS]


def compile_engines(root: Path) -> list[Path]:
    """The compiled files. Each takes its place whole: a running gateway keeps the one that it has open."""
    command, include = _compiler(), Path(sysconfig.get_paths()["include"])
    if not (include / "Python.h").exists():
        raise SystemExit(f"Python.h is not in {include}: install Python's headers (Debian: apt install python3-dev)")
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "fold_table.h").write_text(_fold_table(root / GUARD / "fold.bin"))
        flags = [*FLAGS, f"-I{include}", f"-I{directory}"]
        return [_compile(extension, root, [*command, *flags]) for extension in EXTENSIONS]


def _compile(extension: Extension, root: Path, command: list[str]) -> Path:
    target = root / extension.file
    made = target.with_name(f".{target.name}.{os.getpid()}")
    sources = sorted(str(path) for path in (root / extension.folder / "native").glob("*.c"))
    done = subprocess.run([*command, *sources, "-o", str(made), "-lm"], check=False)
    if done.returncode:
        made.unlink(missing_ok=True)
        raise SystemExit(f"{extension.title} did not compile with {shlex.join(command)}")
    os.replace(made, target)
    return target


def _compiler() -> list[str]:
    if named := os.environ.get("CC"):
        return shlex.split(named)
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise SystemExit("no C compiler was found: install one (Debian: apt install gcc), or `pip install ziglang`")


def _fold_table(packed: Path) -> str:
    """C source of the frozen table: a number per code point below 0x20000."""
    table = array.array("I")
    table.frombytes(zlib.decompress(packed.read_bytes()))
    if sys.byteorder == "big":
        table.byteswap()
    return f"static const uint32_t fold_table[{len(table)}] = {{{','.join(f'{entry}u' for entry in table)}}};\n"


if __name__ == "__main__":
    print(*compile_engines(Path(__file__).parent), sep="\n")  # noqa: T201
