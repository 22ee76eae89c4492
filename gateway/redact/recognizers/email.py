"""E-mail addresses, without asking the internet.

Stock Presidio asks it for the list of public suffixes when it meets its first address, and takes an address under any
other suffix (`jane@corp.internal`) for none. The one here stays offline and keeps both.
"""

from __future__ import annotations

import tldextract
from presidio_analyzer.predefined_recognizers import EmailRecognizer


class OfflineEmailRecognizer(EmailRecognizer):
    """E-mail addresses. Under a public suffix the score is 1, under another one the pattern's own (0.5)."""

    def __init__(self, supported_language: str) -> None:
        super().__init__(supported_language=supported_language, name="EmailRecognizer")
        self._suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        # Read the list now, not in the first request.
        self._suffixes("example.org")

    def validate_result(self, pattern_text: str) -> bool | None:
        return True if self._suffixes(pattern_text).fqdn else None
