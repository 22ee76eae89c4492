#!/bin/sh
# Serves a model as `llama`. The key comes from a file: on a command line or in the settings of a container others see it.
set -eu
VLLM_API_KEY="$(cat /run/secrets/upstream_key)"
export VLLM_API_KEY
exec vllm serve "$@" --host 0.0.0.0 --port 8000 --served-model-name llama --disable-uvicorn-access-log
