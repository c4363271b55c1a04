# One image for all: the steps of the pipeline, the commands `aocr` and `aocr-pipeline`, and the prediction server.
#
#   make image                   aocr-python:cpu
#   make image FLAVOUR=cuda      aocr-python:cuda, with NVIDIA's libraries
#
# Packages come from image/cpu.lock or image/cuda.lock, each with its hash.
#
# No `# syntax` line, no `RUN --mount`: BuildKit and the classic builder (Cloud Build's) both build this.

# The base. Its tag comes to stand for other images; with a digest, python:3.11-slim@sha256:…, it is the same one every
# time, and Dependabot, which reads this line, proposes newer ones. Another one for once: --build-arg BASE=NAME@sha256:…
ARG BASE=base
FROM python:3.11-slim AS base

# The packages, as locked. Changes with the lock alone.
FROM $BASE AS packages
ARG FLAVOUR=cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/venv
COPY image/$FLAVOUR.lock /src/image/
# --no-deps: the lock is complete, and leaves out on purpose what some packages ask for (image/*.without).
RUN pip --python /opt/venv/bin/python install --quiet --no-compile --no-deps --require-hashes -r /src/image/$FLAVOUR.lock

# The same without what never runs, and compiled.
FROM packages AS trimmed
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils >/dev/null
COPY image/trim.sh /src/image/
RUN sh /src/image/trim.sh /opt/venv

# Our own code, for the same place. Small, and the only part that an edit of it builds again.
FROM packages AS own
COPY pyproject.toml README.md LICENSE /src/
COPY aocr_core /src/aocr_core
COPY components /src/components
COPY pipelines /src/pipelines
RUN pip --python /opt/venv/bin/python install --quiet --no-compile --no-deps --no-build-isolation --prefix /own /src \
 && python -m compileall -q --invalidation-mode unchecked-hash /own/lib

FROM $BASE
# The official base comes without the bytecode of Python's own library, and a user who may not write there would
# compile it at every start. Its pip is of no use here; that of a Debian package stays where it is.
RUN python -m compileall -q -j 0 -x '/(test|tests|idlelib|lib2to3|site-packages|dist-packages)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && python -m pip uninstall --quiet --yes --root-user-action ignore pip setuptools wheel \
 && useradd --uid 10001 --create-home aocr
COPY --from=trimmed /opt/venv /opt/venv
COPY --from=own /own /opt/venv

ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/aocr
# No entry point: whatever is given is run, `aocr train …` as well as the shell that a step of the pipeline starts
# with. With nothing, the image serves: Vertex AI's variables (AIP_…) say what and where.
CMD ["aocr", "serve"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["python", "-m", "aocr_core.cli.health"]

ARG FLAVOUR=cpu
# No commit, nor the base's: steps are reused while the image stays the same, whichever commit its code is of.
LABEL org.opencontainers.image.title="aocr-python" \
      org.opencontainers.image.description="Attention OCR: pipeline steps, commands and prediction server ($FLAVOUR)" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.revision=""
