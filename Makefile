# Everything a user or contributor runs. `make demo` and `make test` set themselves up on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-fast lint format bench loadtest soak compose-like model model-check ner evaluate schema lock golden screenshots prepare sbom clean

demo: $(VENV)/runtime
	@$(BIN)/python -m demo

test: $(VENV)/dev
	$(BIN)/python -m demo.redis
	$(BIN)/python -m demo.chromium
	$(BIN)/python -m demo.install
	$(MAKE) .venv-extras .venv-loadtest/installed
	$(MAKE) lint
	REQUIRED_E2E=31 DIFFERENTIAL_SEEDS=20 $(BIN)/python -m pytest -n 2 --dist loadgroup -q

test-fast: $(VENV)/dev
	$(BIN)/python -m demo.redis
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q -m "not vllm and not extras and not slow and not browser" tests/unit tests/test_architecture.py

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy gateway deploy demo bench loadtest tests models/evaluate.py hatch_build.py
	$(BIN)/lint-imports

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/runtime
	$(BIN)/python -m bench.run
	$(BIN)/python -m bench.detection
	$(BIN)/python -m bench.cache
	$(BIN)/python -m bench.answers
	$(BIN)/python -m bench.limits
	$(BIN)/python -m bench.audit
	$(BIN)/python -m bench.metrics
	$(BIN)/python -m bench.jwt
	$(BIN)/python -m bench.start

# What users of all kinds meet with, and whether anything leaks: loadtest/README.md. `make loadtest OPTIONS="--users 50"`
loadtest: $(VENV)/runtime .venv-loadtest/installed
	$(BIN)/python -m demo.redis
	$(BIN)/python -m loadtest run --minutes 5 --html dist/loadtest.html $(OPTIONS)

soak: $(VENV)/runtime .venv-loadtest/installed
	$(BIN)/python -m demo.redis
	$(BIN)/python -m loadtest run --minutes 10 --soak --chaos --html dist/soak.html $(OPTIONS)

# docker-compose.yml without containers: Redis, vLLM and the gateway as processes, with networks that are cut as there.
# As root, for it makes network namespaces.
compose-like: $(VENV)/dev
	$(BIN)/python -m demo.redis
	$(BIN)/python -m demo.install
	REQUIRED_E2E=4 $(BIN)/python -m pytest -q -rs tests/deploy

# The page /ui as the README shows it.
screenshots: $(VENV)/dev
	$(BIN)/python -m demo.chromium
	$(BIN)/python -m tests.page.screenshots

evaluate: $(VENV)/runtime
	$(BIN)/gateway evaluate models/ner/data/eval/*.jsonl.xz --policy policies/default.yaml --beside stock \
		--markdown EVALUATION.md

ner: .venv-ner/installed
	.venv-ner/bin/python -m models.ner.train

model: $(VENV)/runtime
	$(BIN)/python -m demo.install
	.venv-vllm/bin/python -m models.train

model-check: $(VENV)/dev
	$(BIN)/python -m demo.install
	$(BIN)/python -m pytest -q tests/e2e/test_tiny_llama.py

schema: $(VENV)/runtime
	$(BIN)/gateway policy schema > policies/policy.schema.json

golden: $(VENV)/dev
	$(BIN)/python -m tests.golden.regenerate

lock: $(VENV)/dev
	$(BIN)/pip install -q uv
	for name in runtime traces dev ner loadtest; do $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --universal requirements/$$name.in -o requirements/$$name.txt; done

# Keys, certificates and a token for docker-compose.yml: docs/deploy.md. `make prepare OPTIONS="--profile cpu"`
prepare: $(VENV)/runtime
	@$(BIN)/python -m deploy.prepare $(OPTIONS)

# What is in the image, by its lock file. The same lock file gives the same bytes.
sbom: $(VENV)/dev
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements/runtime.txt --pyproject pyproject.toml --mc-type application \
		--output-reproducible --spec-version 1.6 --output-format JSON --output-file dist/sbom.json

clean:
	rm -rf $(VENV) .venv-vllm .venv-extras .venv-ner .venv-loadtest .demo

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/runtime: requirements/runtime.txt pyproject.toml hatch_build.py gateway/guard/regurgitation/fold.bin \
		$(wildcard gateway/guard/regurgitation/native/*.[ch] gateway/redact/ner/native/*.[ch]) | $(VENV)/python
	@echo "installing the gateway…"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/runtime.txt
	@command -v cc gcc clang > /dev/null || $(BIN)/python -m pip install -q ziglang
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/runtime | $(VENV)/python
	@echo "installing what the tests need…"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

.venv-ner/installed: requirements/ner.txt | $(VENV)/python
	@test -x .venv-ner/bin/python || $(PYTHON) -m venv .venv-ner
	@.venv-ner/bin/python -m pip install -q --require-hashes -r requirements/ner.txt
	@touch $@

.venv-loadtest/installed: requirements/loadtest.txt | $(VENV)/python
	@test -x .venv-loadtest/bin/python || $(PYTHON) -m venv .venv-loadtest
	@.venv-loadtest/bin/python -m pip install -q --require-hashes -r requirements/loadtest.txt
	@touch $@

# GLiNER without its dependencies: torch and transformers are those of vLLM's environment.
.venv-extras: requirements/extras.txt | $(VENV)/python
	@$(BIN)/python -m pip install -q --no-deps --require-hashes --target $@ -r requirements/extras.txt
	@touch $@
