"""A privacy-preserving gateway in front of LLaMA models: redacts prompts, restores answers, fails closed."""

import os

__version__ = "0.1.0"

# Each worker uses one core: threads of numpy's that compete for it make the small matrices of the names model slower.
# It must be said before anything imports numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
