#!/bin/sh
# serve.sh MODEL [OPTION…]: vLLM, with the model under the name `llama`.
# The key comes from a file: on a command line or in the settings of a container others see it. The module and not
# `vllm serve`: the package for CPUs has another name, under which that command does not find itself.
set -eu
VLLM_API_KEY="$(cat /run/secrets/upstream_key)"
export VLLM_API_KEY
exec python3 -m vllm.entrypoints.openai.api_server --model "$@" \
    --host 0.0.0.0 --port 8000 --served-model-name llama --disable-uvicorn-access-log
