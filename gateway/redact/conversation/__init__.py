"""What was found in one text of a request is hidden in all of them, however it is written there."""

from gateway.redact.conversation.apart import stand_apart
from gateway.redact.conversation.spreading import Spread, spread
from gateway.redact.conversation.values import NO_VALUES, Values, found_values

__all__ = ("NO_VALUES", "Spread", "Values", "found_values", "spread", "stand_apart")
