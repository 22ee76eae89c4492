"""The network as it is trained; `models.ner.reference` runs the same arithmetic in numpy."""

import torch
from torch import Tensor, nn

from models.ner.batches import TAGS, Batch
from models.ner.features import AFFIX_BITS, SHAPES, TRIGRAM_BITS, WORD_BITS
from models.ner.lexicon import COLUMNS, SIZES

WIDTHS = {"word": 48, "prefix": 16, "suffix": 24, "shape": 16, "trigram": 32}
LISTED = {"code": 16, "usage": 8, "english": 16, "german": 16, "spanish": 8}
WIDTH = 88
DILATIONS = (1, 2, 3, 2)
# The convolution that gives the tags reaches one token further.
CONTEXT = sum(DILATIONS) + 1


class Block(nn.Module):
    """A convolution over three tokens, `dilation` apart, added to what comes in; (rows, WIDTH) to the same."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = nn.Parameter(torch.randn(WIDTH, 3 * WIDTH) * (1.2 / (3 * WIDTH)) ** 0.5)
        self.norm = nn.BatchNorm1d(WIDTH, momentum=0.02)

    def forward(self, x: Tensor, solid: Tensor) -> Tensor:
        """`solid` (rows, 1) is 0 for the rows between texts, which stay zero: they are what is beyond a text's end."""
        return x + torch.relu(self.norm(spread(x @ self.weight, self.dilation, WIDTH))) * solid


def spread(taps: Tensor, dilation: int, width: int) -> Tensor:
    """(rows, 3 * width) to (rows, width): adds to each row the first part of the one before, the last of the next."""
    left, middle, right = taps[:, :width], taps[:, width : 2 * width], taps[:, 2 * width :]
    middle = middle + nn.functional.pad(left[:-dilation], (0, 0, dilation, 0))
    return middle + nn.functional.pad(right[dilation:], (0, 0, 0, dilation))


class Network(nn.Module):
    """Hashed descriptions of tokens to one score per tag."""

    def __init__(self) -> None:
        super().__init__()
        self.word = nn.Embedding(1 << WORD_BITS, WIDTHS["word"])
        self.prefix = nn.Embedding(1 << AFFIX_BITS, WIDTHS["prefix"])
        self.suffix = nn.Embedding(1 << AFFIX_BITS, WIDTHS["suffix"])
        self.shape = nn.Embedding(SHAPES, WIDTHS["shape"])
        self.trigram = nn.EmbeddingBag(1 << TRIGRAM_BITS, WIDTHS["trigram"], mode="sum")
        for name, width in LISTED.items():
            setattr(self, name, nn.Embedding(SIZES[name], width))
        for table in self.tables().values():
            nn.init.normal_(table.weight, std=0.15)
        self.input = nn.Linear(sum(WIDTHS.values()) + sum(LISTED.values()), WIDTH)
        self.blocks = nn.ModuleList(Block(dilation) for dilation in DILATIONS)
        self.output = nn.Parameter(torch.randn(WIDTH, 3 * len(TAGS)) * 0.05)
        self.bias = nn.Parameter(torch.zeros(len(TAGS)))

    def tables(self) -> dict[str, nn.Embedding | nn.EmbeddingBag]:
        return {name: getattr(self, name) for name in (*WIDTHS, *LISTED)}

    def forward(self, batch: Batch, keep_word: Tensor | None = None, keep_list: Tensor | None = None) -> Tensor:
        """Scores (n, len(TAGS)); the masks (n, 1) hide words and what lists say of them while training."""
        given = batch.features
        hashes = torch.from_numpy(given.word.astype("int64"))
        word = self.word(hashes & ((1 << WORD_BITS) - 1)) + self.word(hashes >> (32 - WORD_BITS))
        listed = torch.from_numpy(batch.lexicon)
        if keep_word is not None and keep_list is not None:
            word = word * keep_word
            listed = listed * keep_list
        bag = self.trigram(torch.from_numpy(given.trigram), torch.from_numpy(given.offset))
        found = [
            word,
            self.prefix(torch.from_numpy(given.prefix)),
            self.suffix(torch.from_numpy(given.suffix)),
            self.shape(torch.from_numpy(given.shape)),
            bag * torch.from_numpy(given.weight)[:, None],
            *(getattr(self, name)(listed[:, column]) for column, name in enumerate(COLUMNS)),
        ]
        row = torch.from_numpy(batch.row)
        x = torch.zeros(batch.rows, WIDTH).index_copy(0, row, self.input(torch.cat(found, 1)))
        solid = torch.zeros(batch.rows, 1).index_fill(0, row, 1.0)
        for block in self.blocks:
            x = block(x, solid)
        return spread(x @ self.output, 1, len(TAGS)).index_select(0, row) + self.bias
