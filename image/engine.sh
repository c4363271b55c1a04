#!/bin/sh
# A Docker engine without a service, for a machine or container where root has only Debian's docker.io:
#   sh image/engine.sh start FOLDER     all it keeps lies in FOLDER
#   export DOCKER_HOST=unix://FOLDER/docker.sock
#   make image-test ARGS='--network host'
#   sh image/engine.sh stop FOLDER
# It touches neither bridges nor firewall rules, so containers have the host's network or none.
set -eu
usage="usage: sh $0 start|stop FOLDER"
folder=$(realpath "${2:?$usage}")

case $1 in
start)
  mkdir -p "$folder"
  setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \
    -H "unix://$folder/docker.sock" --bridge=none --iptables=false --ip6tables=false >"$folder/log" 2>&1 </dev/null &
  for _ in $(seq 60); do
    DOCKER_HOST=unix://$folder/docker.sock docker info >/dev/null 2>&1 && exit 0
    sleep 1
  done
  tail -n 5 "$folder/log" >&2
  exit 1
  ;;
stop)
  pid=$(cat "$folder/pid")
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
  ;;
*)
  echo "$usage" >&2
  exit 2
  ;;
esac
