"""Addresses of networks that are nobody's, and those that documentation invents."""

from __future__ import annotations

import re

from gateway.redact.precision.surroundings import Surroundings

# Loopback, private use, link-local, unspecified, masks and well-known groups (RFC 1918, 3927, 6890). The ranges for
# documentation are not here: people put them where their own address would stand.
_NOBODYS_IPV4 = re.compile(
    r"(?:127|10|0)\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|255\.|224\.0\.0\.|239\.255\."
    r"|(?:8\.8\.8\.8|8\.8\.4\.4|1\.1\.1\.1|1\.0\.0\.1|9\.9\.9\.9)$"
)
_NOBODYS_IPV6 = re.compile(
    r"(?:::1?|(?:0{1,4}:){7}0{0,3}1?|f[cd][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*|ff[0-9a-f]{2}:.*)(?:%\w+)?$", re.I
)
_NETWORK = re.compile(r"/\d{1,3}(?!\d)")
_IN_LONGER = re.compile(r"\d\.?$")
_GOES_ON = re.compile(r"\d|\.\d|-?(?:a|b|rc|alpha|beta|dev|post)\.?\d")
# Before `==` a package, not the field of a filter (`ip.addr==…`).
_VERSION = re.compile(
    r"(?:\bv|version|release|(?<=[\w\]])(?<!ip)(?<!addr)(?<!address)(?<!src)(?<!dst)(?<!host)==|>=|<=|~=|\^)\s*:?\s*$",
    re.I,
)

_INVENTED_HOST = re.compile(
    r"(?:[\w-]+\.)*(?:(?:example|domain|yourdomain|your-domain|mydomain|yourcompany|acme)\.[a-z.]{2,6}"
    r"|(?:[\w-]+\.)?(?:example|test|invalid|localhost|localdomain))\.?$",
    re.I,
)
_ANYBODY = re.compile(
    r"(?:foo|bar|baz|qux|foobar|user|users?name|you|your[._-]?(?:name|e?mail|user(?:name)?)|name|test|tester|"
    r"testuser|admin|root|some(?:one|body)|anyone|e?mail|first[._-]?(?:name)?[._-]?last(?:name)?|x+|sample|dummy|"
    r"demo|nobody|recipient|sender|hello|example)$",
    re.I,
)
_PICTURE = re.compile(r"@[1-4](?:\.\d)?x\.(?:png|jpe?g|gif|svg|webp|ico)$", re.I)
_REMOTE = re.compile(r":[\w.~-]+/")

_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]*@)?(\[[0-9a-f:]+\]|[^/:?#\s]+)", re.I)
_CODE_FILE = re.compile(
    r"[\w.-]+\.(?:py|pyi|rs|sh|pl|pm|ps|cc|so|md|mk|ml|js|ts|go|rb|java|cs|in|st|la|ph|tf|vi|id|is|to|do|it|no|name|"
    r"app|run|map|zip|mov|co|me|as|at|gl|im|io|sc|sql|vue|lua)$"
)
_PERSONAL_QUERY = re.compile(r"[?&;](?:e?mail|name|user|phone|tel|token|key|first|last)[\w-]*=[^&\s]", re.I)


def is_harmless_ip(here: Surroundings) -> bool:
    value, before, after = here
    if _NETWORK.match(after) or _IN_LONGER.search(before) or _GOES_ON.match(after):
        return True
    if ":" in value:
        return bool(_NOBODYS_IPV6.match(value))
    return bool(_NOBODYS_IPV4.match(value) or _VERSION.search(before))


def is_harmless_email(here: Surroundings) -> bool:
    local, _, host = here.value.rpartition("@")
    if local == "git" and _REMOTE.match(here.after):
        return True
    if _PICTURE.search(here.value):
        return True
    return bool(_INVENTED_HOST.match(host) and _ANYBODY.match(local))


def is_harmless_url(here: Surroundings) -> bool:
    value = here.value
    if _PERSONAL_QUERY.search(value):
        return False
    host = _HOST.match(value)
    if host is None:
        return False
    if "://" not in value and "/" not in value:
        # `main.rs` and `os.name` look like hosts.
        is_call = here.after.startswith(("(", "_", "[")) or here.before.endswith(("`", "/", "_", "."))
        return bool(
            _INVENTED_HOST.match(value) or is_call or (_CODE_FILE.match(value) and not value.startswith("www."))
        )
    return bool(_INVENTED_HOST.match(host[1]) or _NOBODYS_IPV4.match(host[1]))
