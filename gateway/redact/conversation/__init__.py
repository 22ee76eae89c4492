"""What was found in one text of a request is hidden in all of them, however it is written there."""

from gateway.redact.conversation.spreading import Spread, spread

__all__ = ("Spread", "spread")
