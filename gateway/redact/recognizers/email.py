"""E-mail addresses, without asking the internet.

Stock Presidio asks it for the list of public suffixes when it meets its first address, and takes an address under any
other suffix (`jane@corp.internal`) for none. The one here stays offline and keeps both. Stock also takes what stands
before an address in code for a part of it (`user='jane@…`), since RFC 5322 allows nearly any sign; here only the signs
that people have in their addresses count, and any letter, as RFC 6531 says.
"""

from __future__ import annotations

import tldextract
from presidio_analyzer import Pattern
from presidio_analyzer.predefined_recognizers import EmailRecognizer

_HOST = r"@(?:\w(?:[\w\-]{0,61}\w)?\.){1,8}(?:xn--[\w\-]{1,58}\w|\p{L}[\w\-]{0,61}\w)(?!\w)"
_LOCAL = r"(?<!\w)(?:\w|\+(?=\w))(?:[\w.%+\-]|(?<=\w)['’](?=\w)){0,64}"
_PATTERNS = (
    ("address", _LOCAL + _HOST),
    ("quoted address", r"\"[^\"\n@]{1,64}\"" + _HOST),
    ("address at a number", _LOCAL + r"@\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-f:]{2,39})\]"),
)


class OfflineEmailRecognizer(EmailRecognizer):
    """E-mail addresses. Under a public suffix the score is 1, under another one the pattern's own (0.5)."""

    def __init__(self, supported_language: str) -> None:
        patterns = [Pattern(name=name, regex=pattern, score=0.5) for name, pattern in _PATTERNS]
        super().__init__(patterns=patterns, supported_language=supported_language, name="EmailRecognizer")
        self._suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        # Read the list now, not in the first request.
        self._suffixes("example.org")

    def validate_result(self, pattern_text: str) -> bool | None:
        return True if self._suffixes(pattern_text.rpartition("@")[2]).fqdn else None
