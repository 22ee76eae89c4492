"""The numbers by which tokens are hashed, for the training and for the running model alike."""

import numpy as np

# What of a token counts for its hash and its trigrams: a text without spaces must not make one token cost more.
TOKEN_LIMIT = 24

_rng = np.random.Generator(np.random.PCG64(20240607))
# One for each place in a token, with a zero for places behind it; for the last three characters, counted from the
# end; for a character with its neighbours.
PLACES = _rng.integers(1, 1 << 32, TOKEN_LIMIT + 1, dtype=np.uint32) | np.uint32(1)
PLACES[TOKEN_LIMIT] = 0
ENDS = _rng.integers(1, 1 << 32, 4, dtype=np.uint32) | np.uint32(1)
AROUND = _rng.integers(1, 1 << 32, 3, dtype=np.uint32) | np.uint32(1)
# By token length: 1, 2, 3, 4, 5, 6-7, 8-10, more.
LENGTH = np.array([0, 0, 1, 2, 3, 4, 5, 5, 6, 6, 6] + [7] * (TOKEN_LIMIT - 10), np.uint8)
for _array in (PLACES, ENDS, AROUND, LENGTH):
    _array.setflags(write=False)
