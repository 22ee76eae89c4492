"""Train the tiny LLaMA from scratch on two CPU cores and write it to models/tiny-llama.

The data is made up on the fly from fixed seeds (models/grammar.py) and from the documents in
models/memorised. Run it from the repository's root:

    python -m models.train [--steps N] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from models.grammar import Writer, recitation
from models.network import Llama, Shape
from models.tokenizer import BOS, END, PAD, SPECIAL, pieces, raw_pieces, save_tokenizer, train_tokenizer

HERE: Final = Path(__file__).parent
Example = tuple[list[int], list[bool]]
Tensors = tuple[torch.Tensor, torch.Tensor]
LONGEST: Final = 640
POOL: Final = 1500


def read_documents() -> list[str]:
    """The documents to be memorised, each as one line of text."""
    return [" ".join(path.read_text().split()) for path in sorted((HERE / "memorised").glob("[0-9]*.txt"))]


def make_parts(rng: random.Random, level: float, documents: Sequence[str]) -> list[tuple[str, bool]]:
    """One training example as pieces of text: a conversation, a raw prompt or a document."""
    writer = Writer(rng, level)
    if rng.random() < 0.05:
        start, rest = recitation(rng, rng.choice(documents))
        if rng.random() < 0.4:
            return list(raw_pieces(start, " " + rest))
        return list(pieces([*writer.system(), ("user", start), ("assistant", rest)]))
    if rng.random() < 0.08:
        said, answer = writer.task()
        return list(raw_pieces(said, "\n" + answer))
    return list(pieces(writer.conversation()))


def encode(tokenizer: Tokenizer, batch: Sequence[Sequence[tuple[str, bool]]]) -> list[Example]:
    """Token numbers, and for each whether the model should learn to write it."""
    texts = [text for parts in batch for text, _ in parts]
    encoded = iter(tokenizer.encode_batch_fast(texts, add_special_tokens=False))
    encoded_parts = []
    for parts in batch:
        tokens: list[int] = []
        learn: list[bool] = []
        for _, wanted in parts:
            ids = next(encoded).ids
            tokens += ids
            learn += [wanted] * len(ids)
        if len(tokens) <= LONGEST:
            encoded_parts.append((tokens, learn))
    return encoded_parts


def batches(tokenizer: Tokenizer, documents: Sequence[str], args: argparse.Namespace) -> Iterator[list[Example]]:
    """Endless batches of about `--batch` tokens; examples of like length go together to save padding."""
    rng = random.Random(args.seed)
    step = 0
    while True:
        level = min(1.0, 0.1 + step / args.easy)
        pool = encode(tokenizer, [make_parts(rng, level, documents) for _ in range(POOL)])
        pool.sort(key=lambda example: len(example[0]))
        groups: list[list[Example]] = []
        group: list[Example] = []
        for example in pool:
            if group and (len(group) + 1) * len(example[0]) > args.batch:
                groups.append(group)
                group = []
            group.append(example)
        rng.shuffle(groups)
        step += len(groups)
        yield from groups


def to_tensors(batch: Sequence[Example], pad: int) -> Tensors:
    """Pad on the right; causal attention never looks at the padding."""
    length = max(len(tokens) for tokens, _ in batch)
    tokens = torch.tensor([t + [pad] * (length - len(t)) for t, _ in batch])
    learn = torch.tensor([w + [False] * (length - len(w)) for _, w in batch])
    return tokens, learn


def schedule(progress: float, warm: float = 0.03) -> float:
    """Warm-up, a plateau, then a linear decay over the last half."""
    return min(1.0, progress / warm, max(0.0, (1.0 - progress) / 0.5))


def optimizers(model: Llama, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for the embedding and the norms."""
    matrices = [p for p in model.layers.parameters() if p.dim() == 2]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or n.startswith("embed")]
    return [
        torch.optim.Muon([{"params": matrices, "initial_lr": rate}], weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([{"params": others, "initial_lr": rate * 2}], betas=(0.9, 0.98), weight_decay=0.0),
    ]


def echo_batch(generator: torch.Generator, vocabulary: int, size: int) -> Tensors:
    """Random tokens that repeat once: the plainest exercise in copying."""
    length = int(torch.randint(6, 25, (1,), generator=generator))
    half = torch.randint(len(SPECIAL), vocabulary, (size // (2 * length), length), generator=generator)
    # In every other row only a few tokens occur: to copy those, more than one token before has to be seen.
    few = half[::2, : max(3, length // 3)]
    half[::2] = few.gather(1, torch.randint(few.shape[1], half[::2].shape, generator=generator))
    learn = torch.zeros(half.shape[0], 2 * length, dtype=torch.bool)
    learn[:, length + 1 :] = True
    return torch.cat((half, half), 1), learn


def examples(data: Iterator[list[Example]], vocabulary: int, pad: int, args: argparse.Namespace) -> Iterator[Tensors]:
    """The batches of the whole training. Without the echoes first, copying takes much longer to appear."""
    generator = torch.Generator().manual_seed(args.seed)
    for _ in range(args.echoes):
        yield echo_batch(generator, vocabulary, args.batch)
    for step in range(args.steps):
        if step % 12 == 0:
            yield echo_batch(generator, vocabulary, args.batch)
        yield to_tensors(next(data), pad)


def train(model: Llama, data: Iterator[Tensors], args: argparse.Namespace) -> None:
    """The training loop."""
    parts = optimizers(model, args.rate)
    started = time.monotonic()
    smooth = 0.0
    total = args.echoes + args.steps + -(-args.steps // 12)
    for step, (tokens, learn) in enumerate(data, 1):
        for optimizer in parts:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * schedule(step / total)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model.loss(tokens, learn)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in parts:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        smooth = loss.item() if step == 1 else 0.98 * smooth + 0.02 * loss.item()
        if not math.isfinite(smooth):
            raise SystemExit("the loss is no longer a number")
        if step % 50 == 0:
            print(f"step {step}/{total} loss {smooth:.4f} {time.monotonic() - started:.0f} s", flush=True)


def save(model: Llama, shape: Shape, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the model in the layout of transformers, the weights as bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"model.{name}": p.detach().to(torch.bfloat16).contiguous() for name, p in model.named_parameters()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # the library leaves it readable by its owner only
    bos, eos, pad = (tokenizer.token_to_id(token) for token in (BOS, END, PAD))
    (folder / "config.json").write_text(json.dumps(shape.config(bos, eos, pad), indent=2) + "\n")
    # The low default temperature keeps answers to requests that set none close to greedy decoding.
    generation = {
        "bos_token_id": bos,
        "eos_token_id": eos,
        "pad_token_id": pad,
        "do_sample": True,
        "temperature": 0.1,
    }
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    save_tokenizer(tokenizer, folder)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--output", type=Path, default=HERE / "tiny-llama", help="where the model is written")
    parser.add_argument("--steps", type=int, default=2150, help="training steps on conversations")
    parser.add_argument("--echoes", type=int, default=60, help="training steps on repeated random tokens before")
    parser.add_argument("--batch", type=int, default=4608, help="tokens in one step")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--easy", type=int, default=400, help="steps until the examples have their full length")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1, help="seed of the data and of the weights")
    return parser.parse_args()


def main() -> None:
    """Train and save."""
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    started = time.monotonic()
    documents = read_documents()
    tokenizer = train_tokenizer(documents)
    shape = Shape(vocabulary=tokenizer.get_vocab_size())
    model = Llama(shape)
    if shutil.which("g++"):  # fused element-wise kernels save a third of the time; they need a compiler
        for layer in model.layers:
            layer.compile(dynamic=True)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {shape.vocabulary} tokens", flush=True)
    data = batches(tokenizer, documents, args)
    train(model, examples(data, shape.vocabulary, tokenizer.token_to_id(PAD), args), args)
    save(model, shape, tokenizer, args.output)
    print(f"saved to {args.output} after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
