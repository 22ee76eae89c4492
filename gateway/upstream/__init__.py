"""vLLM: the client that speaks to it."""
