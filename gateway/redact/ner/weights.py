"""Reads the weights that ship with the gateway and lays them out as the native engine wants them.

Products are made of 16-bit whole numbers and summed in 32 bits. A row of numbers is scaled so that its length, as a
vector, is `NORM`, and a column of weights so that no product of the two can leave 32 bits: by Cauchy and Schwarz it is
at most the product of both lengths, to which rounding adds half a step for each number.
"""

import hashlib
import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from gateway.redact.ner.characters import character_tables
from gateway.redact.ner.hashing import AROUND, ENDS, LENGTH, PLACES, TOKEN_LIMIT

# What ner.h calls WIDTH, TAG_COLUMNS and NORM.
_COLUMNS, _TAG_COLUMNS, _NORM = 96, 32, 32767
_TABLES = ("word", "prefix", "suffix", "shape", "trigram")
# A table's numbers are bytes; a token has two rows of words, and at most TOKEN_LIMIT of trigrams.
_BYTE = 128

Array = npt.NDArray[Any]


class WeightsUnusable(Exception):
    """The file of weights is missing, damaged, or not of this version."""


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and what is said of them. Raises WeightsUnusable unless the file is the one that is described."""
    try:
        about = json.loads(path.with_suffix(".json").read_text("utf-8"))
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            raise WeightsUnusable(f"{path} is damaged: it is not the file that {path.stem}.json describes")
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}, about
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise WeightsUnusable(f"the names model {path} cannot be read ({type(error).__name__})") from None


def laid_out(weights: dict[str, Array], about: dict[str, Any]) -> list[memoryview]:
    """All arrays in the order in which the engine reads them. Raises KeyError or ValueError if they do not fit it."""
    arrays = [*_features(), *(weights[f"table_{name}"] for name in (*_TABLES, *about["listed"]))]
    arrays += [weights["lexicon_hashes"], weights["lexicon_values"]]
    arrays += _input(weights["input"], about["widths"])
    arrays.append(_wide(weights["input_bias"], _COLUMNS))
    for number in range(len(about["dilations"])):
        for tap in np.split(weights[f"block{number}"], 3, axis=1):
            arrays += _matrix(tap, _NORM, _COLUMNS)
        arrays.append(_wide(weights[f"block{number}_bias"], _COLUMNS))
    arrays += [*_matrix(weights["output"], _NORM, _TAG_COLUMNS), weights["output_bias"]]
    arrays.append(np.array(about["prefer"], np.float32))
    return [np.ascontiguousarray(array).data for array in arrays]


def _features() -> list[Array]:
    tables = character_tables()
    flags = tables.kind | tables.upper << np.uint8(3) | tables.lower << np.uint8(4)
    sizes = np.arange(TOKEN_LIMIT + 1)
    weight = (1 / np.sqrt(np.maximum(sizes, 1))).astype(np.float32)
    return [flags, tables.base, PLACES[:TOKEN_LIMIT], ENDS[:3], AROUND, LENGTH, weight]


def _input(weights: Array, widths: dict[str, int]) -> list[Array]:
    """The first matrix in two: for the trigrams, whose sum has a scale of its own, and for all else."""
    first = sum(widths[name] for name in _TABLES[:4])
    bag = slice(first, first + widths["trigram"])
    rest = np.delete(weights, bag, axis=0)
    return [
        *_matrix(weights[bag], TOKEN_LIMIT * _BYTE * widths["trigram"] ** 0.5, _COLUMNS),
        *_matrix(rest, 2 * _BYTE * len(rest) ** 0.5, _COLUMNS),
    ]


def _matrix(weights: Array, norm: float, columns: int) -> list[Array]:
    """(inner, width) to whole numbers (inner / 2, columns, 2) and what one step of each column is worth.

    `norm`: the greatest length of a row that it will be multiplied with.
    """
    inner = len(weights)
    slack = inner**0.5 / 2
    length = np.sqrt(np.square(weights, dtype=np.float64).sum(axis=0))
    most = np.abs(weights).max(axis=0).astype(np.float64)
    with np.errstate(divide="ignore"):
        scale = np.minimum((((1 << 31) - 1) / (norm + slack) - slack) / length, 32767 / most)
    scale[most == 0] = 1
    whole = np.zeros((inner, columns), np.int16)
    whole[:, : len(scale)] = np.rint(weights * scale)
    return [whole.reshape(inner // 2, 2, columns).transpose(0, 2, 1), _wide(1 / scale, columns)]


def _wide(values: Array, columns: int) -> Array:
    made = np.zeros(columns, np.float32)
    made[: len(values)] = values
    return made
