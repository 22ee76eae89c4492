"""Gets the public keys of an identity provider, and nothing else: small answers, soon, from where it was told."""

from __future__ import annotations

import aiohttp

_MAX_BYTES = 512 * 2**10
_TIMEOUT_S = 5.0


class KeyFetcher:
    """What `FetchedKeys` asks for: the body of a URL and its Cache-Control.

    A connection of its own each time: keys are fetched a few times an hour. No redirect is followed, no proxy of the
    environment used, no cookie kept, nothing unpacked, and no name or password of a .netrc sent.
    """

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __call__(self, url: str) -> tuple[bytes, str | None]:
        """Raises OSError for whatever is not a 200 of at most 512 KiB within the time."""
        try:
            async with (
                aiohttp.ClientSession(
                    auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=self._timeout
                ) as session,
                session.get(
                    url,
                    headers={"accept": "application/json", "accept-encoding": "identity"},
                    allow_redirects=False,
                ) as response,
            ):
                if response.status != 200:
                    raise OSError("not a 200")
                return await _read(response), response.headers.get("cache-control")
        except (aiohttp.ClientError, ValueError):
            # What the library says may quote what came.
            raise OSError("the answer could not be read") from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    async for chunk in response.content.iter_any():
        size_bytes += len(chunk)
        if size_bytes > _MAX_BYTES:
            raise OSError("the answer is too long")
        parts.append(chunk)
    return b"".join(parts)
