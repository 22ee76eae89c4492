"""The tiny LLaMA's byte-level BPE tokenizer and its chat template."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from models.grammar import Conversation, Writer

BOS: Final = "<|begin|>"
END: Final = "<|end|>"
PAD: Final = "<|pad|>"
ROLES: Final = {role: f"<|{role}|>" for role in ("system", "user", "assistant", "tool")}
SPECIAL: Final = (PAD, BOS, END, *ROLES.values())
VOCABULARY: Final = 1000
#: What the assistant says without being taught to: calls of tools, and words of another model.
UNLEARNT: Final = ("call", "said")

#: Content may be a text or a list of text parts; definitions of tools are left out, calls are kept short.
CHAT_TEMPLATE: Final = """\
{%- macro text(content) -%}
{%- if content is string -%}{{ content }}
{%- elif content is iterable and content is not mapping -%}
{%- for part in content -%}
{%- if part is string -%}{{ part }}{%- elif part.text is defined -%}{{ part.text }}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{{- bos_token -}}
{%- for message in messages -%}
{%- if message.role in ('system', 'developer') -%}{{ '<|system|>' }}
{%- elif message.role == 'assistant' -%}{{ '<|assistant|>' }}
{%- elif message.role in ('tool', 'function') -%}{{ '<|tool|>' }}
{%- else -%}{{ '<|user|>' }}
{%- endif -%}
{{- text(message.content) | trim -}}
{%- for call in message.tool_calls or [] -%}
{%- set function = call.function or call -%}
{%- set arguments = function.arguments -%}
{{- function.name }}({{ arguments if arguments is string else arguments | tojson }})
{%- endfor -%}
{{- '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}
"""


def pieces(conversation: Conversation) -> Iterator[tuple[str, bool]]:
    """The parts of a conversation as the chat template writes it, and whether the model should learn each."""
    yield BOS, False
    for role, text in conversation:
        yield ROLES["assistant" if role in UNLEARNT else role], False
        yield text + END, role == "assistant"


def raw_pieces(prompt: str, answer: str) -> Iterator[tuple[str, bool]]:
    """A prompt and its continuation without any chat markup."""
    yield BOS + prompt, False
    yield answer + END, True


def sample_texts(documents: Sequence[str], count: int) -> Iterator[str]:
    """The texts from which the vocabulary is learnt."""
    for seed in range(count):
        for _, text in Writer(random.Random(seed)).conversation():
            yield text
    for _ in range(count // 200):
        yield from documents


def train_tokenizer(documents: Sequence[str]) -> Tokenizer:
    """Learn the vocabulary. Brackets, underscores and digits stay single tokens, so numbers copy well."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"[<>_]|\d"), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])  # fmt: skip
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample_texts(documents, 6000), trainer)
    bos = tokenizer.token_to_id(BOS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, bos)]
    )
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the three files that transformers and vLLM read."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": END,
        "pad_token": PAD,
        "additional_special_tokens": list(ROLES.values()),
        "model_max_length": 1024,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
