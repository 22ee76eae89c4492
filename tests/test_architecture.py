"""The shape of the code: what imports what, where outside libraries live, how long things may be."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES, MAX_FUNCTION_LINES = 400, 60

# Each outside library has one home; what is not listed may not be imported at all.
HOMES = {
    "presidio_analyzer": ("redact/",),
    "spacy": ("redact/",),
    "phonenumbers": ("redact/",),
    "tldextract": ("redact/",),
    "regex": ("redact/", "policy/"),
    "aiohttp": ("upstream/",),
    "fastapi": ("edge/", "app.py", "cli/serve.py"),
    "starlette": ("edge/",),
    "uvicorn": ("edge/",),
    "orjson": ("edge/", "upstream/", "observe/", "cache/"),
    "zstandard": ("cache/entry.py",),
    "redis": ("store/redis.py", "store/redis_deadline.py", "store/redis_line.py", "store/redis_probe.py"),
    "hiredis": ("store/redis_line.py",),
    "yaml": ("policy/positions.py", "settings.py"),
    "jwt": ("access/jwt.py",),
    "pydantic": (
        "policy/",
        "settings.py",
        "edge/requests.py",
        "access/token_file.py",
        "access/issuers.py",
        "access/oidc_file.py",
        "cli/token.py",
        "guard/canaries.py",
    ),
    "prometheus_client": (
        "observe/series.py",
        "observe/metrics.py",
        "observe/alarms.py",
        "observe/alerts.py",
        "app.py",
        "cli/serve.py",
    ),
    "opentelemetry": ("observe/otlp.py",),
    "requests": ("observe/otlp.py",),
    "stdnum": ("redact/",),
    "hyperscan": ("redact/prefilter/",),
    "numpy": ("redact/",),
    "cryptography": ("seal/",),
    "jinja2": ("evaluate/page.py",),
    "selectolax": ("guard/regurgitation/reading/",),
    "pypdf": ("guard/regurgitation/reading/",),
    "defusedxml": ("guard/regurgitation/reading/",),
    "pebble": ("guard/regurgitation/reading/",),
    "transformers": ("redact/local_models.py",),
    "typer": ("cli/",),
    "rich": ("cli/",),
}
# The core knows no world: no files, no network, no clock, no chance, no threads, no logging.
IMPURE = {
    "asyncio", "socket", "os", "io", "pathlib", "time", "datetime", "random", "secrets", "threading", "logging",
    "subprocess", "urllib", "http", "concurrent", "multiprocessing", "tempfile", "shutil", "sys",
}  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=place)
def test_outside_libraries_stay_in_their_homes(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top == "gateway":
            continue
        assert top in HOMES, f"{top} has no home yet"
        assert place(path).startswith(HOMES[top]), f"{top} belongs in {HOMES[top]}"


def test_the_core_imports_no_io() -> None:
    for path in (PACKAGE / "pipeline").glob("*.py"):
        tops = {name.split(".")[0] for name in imports(path)}
        assert not tops & IMPURE, path
        assert tops <= set(sys.stdlib_module_names) | {"gateway"}, path


def test_importing_the_core_loads_no_library_that_does_io() -> None:
    code = (
        "import sys, gateway.pipeline.stage, gateway.pipeline.span, gateway.pipeline.prompt, gateway.pipeline.ports;"
        "print(sorted({'asyncio', 'socket', 'aiohttp', 'spacy', 'fastapi', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_files_and_functions_fit_on_a_screen(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("path", FILES, ids=place)
def test_modules_explain_themselves_and_hold_no_mutable_state(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "every module says why it exists"
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Global)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Dict | ast.Set):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            assert all(name.isupper() for name in names), names


def test_requirements_are_those_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    listed = (ROOT / "requirements" / "runtime.in").read_text().splitlines()
    assert set(declared) <= set(listed)


def test_every_requirement_is_pinned_with_a_hash_and_no_file_names_an_index() -> None:
    for name in ("runtime.txt", "traces.txt", "dev.txt", "loadtest.txt"):
        text = (ROOT / "requirements" / name).read_text()
        blocks = [
            block for block in text.replace("\\\n", " ").splitlines() if block and not block.lstrip().startswith("#")
        ]
        assert all("==" in block and "--hash=sha256:" in block for block in blocks)
        assert "://" not in text
