#!/bin/sh
# A stand-in for python:3.11-slim, for machines that reach Debian's packages and Python's, but no image registry:
#   sh image/base.sh
# As root on Debian 12, with mmdebstrap. It takes over where this machine gets packages from and whom it trusts (apt
# sources, pip.conf, certificates): never push it, nor an image built on it. If the Dockerfile names its base by a digest:
#   make image BASE=python:3.11-slim
set -eu
sources=${APT_SOURCES:-/etc/apt/sources.list.d/debian.sources}
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
if [ -e /etc/pip.conf ]; then cp /etc/pip.conf "$scratch"; else : >"$scratch/pip.conf"; fi

# In the official image Python is in /usr/local/bin and may be installed into.
mmdebstrap --quiet --variant=minbase --include=ca-certificates,netbase,tzdata,python3,python3-venv,python3-pip \
  --aptopt='Acquire::Check-Valid-Until "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook='for name in python3:python python3:python3 pip3:pip; do
    ln -s "/usr/bin/${name%:*}" "$1/usr/local/bin/${name#*:}"; done; rm -f "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED' \
  --customize-hook="copy-in $scratch/pip.conf /etc" \
  --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"' \
  bookworm "$scratch/base.tar" "$sources"

docker import -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'ENV LANG=C.UTF-8' \
  -c 'CMD ["python3"]' "$scratch/base.tar" python:3.11-slim
