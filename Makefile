# Everything a person or CI does with this repository. `make help` lists it.
PYTHON ?= python3
BUILD ?= build
BIN := .venv/bin
INSTALLED := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help setup run stop test lint format compile lock pictures clean

help: ## Show this help.
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo "Variables: PYTHON=python3.12 BUILD=build ANNOTATIONS=file TEST_ANNOTATIONS=file ARGS='more options'"

setup: $(INSTALLED) ## Create .venv with everything in it (run, test and lint do it by themselves).

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "Installing into .venv (TensorFlow is large: this takes some minutes the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## Train, judge, export, deploy and ask a model; on rendered words or on ANNOTATIONS=file.
	@$(BIN)/aocr-pipeline run --build-dir "$(BUILD)" $(if $(ANNOTATIONS),--annotations "$(ANNOTATIONS)") \
	  $(if $(TEST_ANNOTATIONS),--test-annotations "$(TEST_ANNOTATIONS)") $(ARGS)

stop: ## Stop the endpoint that `make run` left up.
	@if [ -x $(BIN)/aocr-pipeline ]; then $(BIN)/aocr-pipeline stop --build-dir "$(BUILD)"; fi

test: setup ## Run all tests (ARGS='-m "not slow"' for the quick ones).
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

lint: setup ## Check style and types.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## Let ruff mend the style.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

compile: setup ## Compile the pipeline to pipelines/aocr-training.yaml.
	@$(BIN)/aocr-pipeline compile $(ARGS)

lock: setup ## Resolve the dependencies again into requirements.lock (ARGS=--upgrade for the newest).
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-config --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' \
	  --quiet --output-file requirements.lock $(ARGS)
	@! grep -nE '://|file:| @ |^-' requirements.lock || { echo "requirements.lock names a place" >&2; exit 1; }

pictures: setup ## Draw the README's pictures, from the compiled pipeline and the last run on rendered words.
	@$(BIN)/python -m docs.pictures "$(BUILD)"

clean: stop ## Remove what was built, the virtual environment excepted.
	@rm -rf "$(BUILD)" .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
