"""The demo: a real LLaMA on vLLM behind the gateway, and one chat seen from all sides."""
