from collections.abc import Sequence
from typing import final

from typing_extensions import Buffer

INSTRUCTIONS: tuple[str, ...]

@final
class Network:
    def __init__(
        self,
        arrays: Sequence[Buffer],
        dilations: Sequence[int],
        context: int,
        piece: int,
        entities: tuple[str, str, str],
        instructions: str,
        /,
    ) -> None: ...
    def find(self, text: str, /) -> list[tuple[int, int, str, float]]: ...
    def tokens(self, text: str, /) -> list[tuple[int, int, bool, int, int, int, int, tuple[int, ...]]]: ...
