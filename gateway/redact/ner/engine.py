"""The one door to the native engine: a gateway without it must not start as if there were no names to find."""

from __future__ import annotations

from gateway.settings import ConfigurationError

try:
    import gateway.redact.ner._network as native
except ImportError as error:  # not built, or for another machine
    raise ConfigurationError(
        "the native engine of the names model is missing: install a C compiler and Python's headers "
        f"(Debian: gcc, python3-dev), then run `pip install -e .` again ({error.name or 'it cannot be loaded'})"
    ) from None

__all__ = ("native",)
