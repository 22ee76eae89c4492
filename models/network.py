"""A small LLaMA for training; its weights carry the names that transformers and vLLM expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The size of the network."""

    vocabulary: int
    hidden: int = 192
    layers: int = 4
    heads: int = 6
    inner: int = 512
    positions: int = 1024
    theta: float = 10000.0
    epsilon: float = 1e-5

    def config(self, bos: int, eos: int, pad: int) -> dict[str, Any]:
        """The same as a config.json."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "head_dim": self.hidden // self.heads,
            "max_position_embeddings": self.positions,
            "rope_theta": self.theta,
            "rms_norm_eps": self.epsilon,
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "tie_word_embeddings": True,
            "bos_token_id": bos,
            "eos_token_id": eos,
            "pad_token_id": pad,
            "torch_dtype": "bfloat16",
        }


class Norm(nn.Module):
    """RMS normalisation."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.hidden))
        self.epsilon = shape.epsilon

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.epsilon)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding, halves of a head paired as in LLaMA."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)
        self.k_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)
        self.v_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)
        self.o_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        batch, length, hidden = x.shape
        split = (batch, length, self.heads, hidden // self.heads)
        q, k, v = (p(x).view(split).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, cosine, sine), rotate(k, cosine, sine)
        # Written out: on a CPU the fused attention's backward pass takes far longer for such short sequences.
        scores = q @ k.transpose(2, 3) * (hidden // self.heads) ** -0.5
        future = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        mixed = scores.masked_fill(future, float("-inf")).softmax(-1, dtype=scores.dtype) @ v
        result: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, hidden))
        return result


class Mlp(nn.Module):
    """Gated feed-forward layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return result


class Layer(nn.Module):
    """One decoder layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Mlp(shape)
        self.input_layernorm = Norm(shape)
        self.post_attention_layernorm = Norm(shape)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cosine, sine)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """The decoder; the output layer shares the embedding's weights."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape)
        size = shape.hidden // shape.heads
        frequencies = shape.theta ** (-torch.arange(0, size, 2).float() / size)
        angles = torch.outer(torch.arange(shape.positions).float(), frequencies).repeat(1, 2)
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)
        for name, parameter in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(parameter)  # every layer starts out passing its input on
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=shape.hidden**-0.5 / 2)
        start_with_copying(self, shape, frequencies)

    def forward(self, tokens: Tensor) -> Tensor:
        """The last hidden states."""
        x = self.embed_tokens(tokens).to(torch.bfloat16)
        cosine = self.get_buffer("cosine")[: tokens.shape[1]].to(x.dtype)
        sine = self.get_buffer("sine")[: tokens.shape[1]].to(x.dtype)
        for layer in self.layers:
            x = layer(x, cosine, sine)
        result: Tensor = self.norm(x)
        return result

    def loss(self, tokens: Tensor, learn: Tensor) -> Tensor:
        """Cross-entropy over the tokens that the model should learn to write."""
        hidden = self(tokens[:, :-1])[learn[:, 1:]]
        logits = functional.linear(hidden, self.embed_tokens.weight.to(hidden.dtype)).float()
        return functional.cross_entropy(logits, tokens[:, 1:][learn[:, 1:]])


OFFSETS = (1, 1, 2)


@torch.no_grad()
def start_with_copying(model: Llama, shape: Shape, frequencies: Tensor) -> None:
    """Set half of the first two layers up so that they copy: what followed a token before follows it again.

    Finding this out by chance takes most of a short training, so it is given, and training refines it.
    Embeddings start out in one half of the dimensions. Heads of the first layer look one or two tokens
    back and write what they see into the other half: one dimension of all embeddings is the same, and
    from it they make queries and keys whose rotations agree at one distance only. Heads of the second
    layer look for places where the first layer saw the current token just before, and pass on what stands
    there.
    """
    half, size = shape.hidden // 2, shape.hidden // shape.heads
    fast = 5 * size // 32  # rotations quick enough to tell neighbours apart; from 7 / 32 on they hardly turn
    scale = half**-0.5 / 2
    embedding = model.embed_tokens.weight
    embedding.mul_(2**0.5)[:, half:] = 0
    embedding[:, 0] = 4 * scale
    seen = 4 * (2 / (1 + 15 / half)) ** 0.5  # that dimension after normalisation
    first, second = (layer.get_submodule("self_attn") for layer in list(model.layers)[:2])
    values, outputs, copies = (nn.init.orthogonal_(torch.empty(half, half)) for _ in range(3))
    values[:, 0] = 0
    copies[:, 0] = 0
    first.get_parameter("v_proj.weight")[:half, :half] = values
    first.get_parameter("o_proj.weight")[half:, :half] = outputs * scale * 0.7
    second.get_parameter("v_proj.weight")[:half, :half] = copies
    second.get_parameter("o_proj.weight")[:half, :half] = copies.T * scale * 3
    slow = [d for d in range(size) if d % (size // 2) >= 7 * size // 32]
    for head in range(shape.heads // 2):
        rows = slice(head * size, (head + 1) * size)
        query, key = (first.get_parameter(f"{name}_proj.weight")[rows] for name in "qk")
        angle = OFFSETS[head % len(OFFSETS)] * frequencies[:fast]
        query[:fast, 0] = 8 / seen
        key[:fast, 0] = angle.cos() * 8 / seen
        key[size // 2 : size // 2 + fast, 0] = angle.sin() * 8 / seen
        source = slice(head % 2 * size, (head % 2 + 1) * size)
        query, key = (second.get_parameter(f"{name}_proj.weight")[rows] for name in "qk")
        query.zero_()
        key.zero_()
        query[slow, :half] = values[source][slow] * 2.1
        key[slow, half:] = outputs.T[source][slow] * 2.1
