# Everything a person or CI does with this repository. `make help` lists it.
PYTHON ?= python3
BUILD ?= build
FLAVOUR ?= cpu
IMAGE ?= aocr-python:$(FLAVOUR)
BASE ?=
BIN := .venv/bin
INSTALLED := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help setup run stop test lint format compile lock image image-test engine pictures clean

help: ## Show this help.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "Variables: PYTHON=python3.12 BUILD=build ANNOTATIONS=file TEST_ANNOTATIONS=file ARGS='more options'"
	@echo "           FLAVOUR=cuda IMAGE=name:tag BASE=name@digest"

setup: $(INSTALLED) ## Create .venv with everything in it (run, test and lint do it by themselves).

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "Installing into .venv (TensorFlow is large: this takes some minutes the first time)"
	@$(PYTHON) -m venv .venv
	@# --no-deps: the lock is complete. Left to look for them, pip 23 trips over newer releases of what has extras.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
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

COMPILE_LOCK := $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-config \
  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' --quiet

lock: setup ## Resolve the dependencies again into requirements.lock (ARGS=--upgrade for the newest).
	@$(COMPILE_LOCK) --all-extras --universal --output-file requirements.lock $(ARGS)
	@for flavour in cpu cuda; do \
	  $(COMPILE_LOCK) image/$$flavour.in --extra pipeline --extra serve --extra export \
	    --constraints requirements.lock --overrides image/$$flavour.without \
	    --python-platform x86_64-manylinux_2_28 --output-file image/$$flavour.lock || exit; \
	done
	@! grep -nE '://|file:| @ |^-' requirements.lock image/*.lock || { echo "a lock names a place" >&2; exit 1; }

image: engine ## Build the container image aocr-python:cpu; FLAVOUR=cuda for NVIDIA GPUs.
	@docker build --tag $(IMAGE) --build-arg FLAVOUR=$(FLAVOUR) $(if $(BASE),--build-arg BASE=$(BASE)) $(ARGS) .
	@docker image inspect --format '{{.Size}}' $(IMAGE) | awk '{printf "$(IMAGE): %.2f GB\n", $$1 / 1e9}'

image-test: engine setup image ## Build the image, run the pipeline's steps in it, and serve a model from it.
	@AOCR_TEST_IMAGE=$(IMAGE) $(BIN)/python -m pytest -v tests/image

engine:
	@docker info >/dev/null 2>&1 || { echo "No Docker engine answers: start one, or name it in DOCKER_HOST" >&2; exit 2; }

pictures: setup ## Draw the README's pictures, from the compiled pipeline and the last run on rendered words.
	@$(BIN)/python -m docs.pictures "$(BUILD)"

clean: stop ## Remove what was built, the virtual environment excepted.
	@rm -rf "$(BUILD)" .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
