"""A privacy-preserving gateway in front of LLaMA models: redacts prompts, restores answers, fails closed."""

__version__ = "0.1.0"
