"""Trains the built-in names model and writes its weights: `python -m models.ner.train`."""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.ner import corpus
from models.ner.batches import UNKNOWN, Batch, Source, assemble
from models.ner.export import export
from models.ner.lexicon import Lexicon, build
from models.ner.net import Network

SEED, STEPS, WARM = 20240607, 25_000, 400
RATES = {"tables": 4e-3, "rest": 2.5e-3}
# What a token of each tag counts: organisations are annotated least reliably, and matter least.
COUNTS = (1.0, 1.2, 1.2, 1.3, 1.3, 0.6, 0.6)
AVERAGE_EVERY, AVERAGE_SHARE = 20, 0.005
OUT = Path(__file__).parents[2] / "gateway" / "redact" / "ner"


def masks(batch: Batch) -> tuple[Tensor, Tensor]:
    """Hides words, and what lists say of them, for some tokens, names above all: context and spelling count too.

    Whole stretches of a batch go without the lists of names, so that the model learns what an unlisted name looks like.
    """
    named = torch.from_numpy(batch.tag > 0)
    keep_word = (torch.rand(len(named)) >= torch.where(named, 0.25, 0.12)).float()[:, None]
    stretch = torch.rand(len(named) // 200 + 1).repeat_interleave(200)[: len(named)] < 0.15
    hide = torch.rand(len(named)) < torch.where(stretch, torch.where(named, 0.7, 0.1), torch.where(named, 0.07, 0.03))
    return keep_word, (~hide).long()[:, None]


def loss_of(network: Network, batch: Batch) -> Tensor:
    scores = network(batch, *masks(batch))
    target = torch.from_numpy(batch.tag)
    losses = nn.functional.cross_entropy(scores, target, ignore_index=UNKNOWN, reduction="none")
    weight = torch.from_numpy(batch.weight) * torch.tensor(COUNTS)[target.clamp(min=0)]
    return (losses * weight).sum() / weight.sum()


def rate(step: int, done: float) -> float:
    """The learning rate as a share of its peak, after `step` steps and the share `done` of the training."""
    return min(1.0, step / WARM) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def dev_scores(network: Network, lexicon: Lexicon) -> str:
    """Recall and precision by token of persons and places, for each part kept from training."""
    network.eval()
    lines = []
    for name in (*corpus.GOLD, "wikiann-de", "wikiann-en"):
        texts = [corpus.pieces(record) for record in corpus.records(name, True)]
        batch = assemble(texts, [1.0] * len(texts), lexicon)
        with torch.no_grad():
            found = network(batch).argmax(1).numpy()
        gold, hit = (batch.tag >= 1) & (batch.tag <= 4), (found >= 1) & (found <= 4)
        good = hit & (batch.tag > 0)
        lines.append(f"{name} {(gold & (found > 0)).sum() / gold.sum():.3f}/{good.sum() / max(1, hit.sum()):.3f}")
    network.train()
    return " ".join(lines)


class Average:
    """The mean of a network's weights over the latter part of its training, which errs less than any single state.

    The weights are taken every `AVERAGE_EVERY` steps; each counts a little less than the one after it.
    """

    def __init__(self, network: Network) -> None:
        self.network = Network()
        self.network.load_state_dict(network.state_dict())

    @torch.no_grad()
    def take(self, network: Network) -> None:
        given = network.state_dict()
        for name, mine in self.network.state_dict().items():
            if mine.is_floating_point():
                mine.lerp_(given[name], AVERAGE_SHARE)


def train(
    steps: int, out: Path, seed: int = SEED, state: Path | None = None, minutes: float = math.inf, share: float = 1.0
) -> None:
    """Ends after `steps`, or earlier where `minutes` are given; only the former can be repeated exactly."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    lexicon, source, network = build(), Source(seed), Network()
    if state is not None and state.exists():
        network.load_state_dict(torch.load(state, weights_only=True))
    tables = [table.weight for table in network.tables().values()]
    rest = [p for p in network.parameters() if all(p is not table for table in tables)]
    groups = [{"params": tables, "lr": RATES["tables"]}, {"params": rest, "lr": RATES["rest"]}]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.98), fused=True)
    average = Average(network)
    begin, mean, done, step = time.monotonic(), 0.0, 0.0, 0
    while done < 1:
        step += 1
        for group, peak in zip(optimizer.param_groups, RATES.values(), strict=True):
            group["lr"] = share * peak * rate(step, done)
        loss = loss_of(network, source.batch(lexicon))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(rest, 1.0)
        optimizer.step()
        done = max(step / steps, (time.monotonic() - begin) / 60 / minutes)
        mean += (float(loss.detach()) - mean) / min(step, 200)
        if step % AVERAGE_EVERY == 0:
            average.take(network)
        if step % 500 == 0 or done >= 1:
            print(f"{step} {time.monotonic() - begin:.0f} s loss {mean:.4f} {dev_scores(network, lexicon)}", flush=True)
        if step % 2000 == 0:
            keep(average.network, network, lexicon, out, state)
    keep(average.network, network, lexicon, out, state)


def keep(average: Network, network: Network, lexicon: Lexicon, out: Path, state: Path | None) -> None:
    export(average.eval(), lexicon, out)
    if state is not None:
        torch.save(network.state_dict(), state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=OUT, help="the folder for the weights")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so long at the latest")
    parser.add_argument("--peak", type=float, default=1.0, help="share of the learning rates, for going on")
    parser.add_argument("--state", type=Path, help="a file to go on from, if it exists, and to save to")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    train(given.steps, given.out, given.seed, given.state, given.minutes, given.peak)


if __name__ == "__main__":
    main()
