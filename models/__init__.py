"""The tiny LLaMA of the demo and the end-to-end tests: its training, its documents and its evaluation."""
