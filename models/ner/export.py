"""Writes a trained network as the gateway reads it: tables as bytes, norms folded into the convolutions."""

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.ner.batches import TAGS
from models.ner.lexicon import Lexicon
from models.ner.net import CONTEXT, DILATIONS, LISTED, WIDTH, WIDTHS, Network

# How much the chances of persons, places and organisations count when a name may be either: rather a place too many.
PREFER = (1.8, 1.8, 0.35)
# Taken from the score of "no name", so that a span scores 0.5 where the texts kept from training show the best balance:
# at a chance of 0.4 as the network gives it.
LEAN = 0.405


def _bytes(table: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """A table as whole numbers, and what one step of each column is worth; rare extremes are cut."""
    limit = np.maximum(np.quantile(np.abs(table), 0.9999, axis=0), 1e-6)
    scale = (limit / 127).astype(np.float32)
    return np.clip(np.rint(table / scale), -127, 127).astype(np.int8), scale


def arrays(network: Network, lexicon: Lexicon) -> dict[str, npt.NDArray[np.generic]]:
    """All arrays of the running model. The scale of each column is folded into the first matrix."""
    made: dict[str, npt.NDArray[np.generic]] = {}
    scales = []
    for name, table in network.tables().items():
        made[f"table_{name}"], scale = _bytes(table.weight.detach().numpy())
        scales.append(scale)
    first = network.input.weight.detach().numpy().T * np.concatenate(scales)[:, None]
    made["input"], made["input_bias"] = first.astype(np.float32), network.input.bias.detach().numpy()
    for number, block in enumerate(network.blocks):
        norm = block.norm
        factor = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy()
        made[f"block{number}"] = block.weight.detach().numpy() * np.tile(factor, 3)
        made[f"block{number}_bias"] = norm.bias.detach().numpy() - norm.running_mean.numpy() * factor
    made["output"], made["output_bias"] = network.output.detach().numpy(), network.bias.detach().numpy().copy()
    made["output_bias"][0] -= LEAN
    made["lexicon_hashes"], made["lexicon_values"] = lexicon.hashes, lexicon.values
    return made


def export(network: Network, lexicon: Lexicon, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "builtin.npz"
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays(network, lexicon))
    about = {
        "tags": TAGS,
        "widths": WIDTHS,
        "listed": LISTED,
        "width": WIDTH,
        "dilations": DILATIONS,
        "context": CONTEXT,
        "prefer": PREFER,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (folder / "builtin.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
