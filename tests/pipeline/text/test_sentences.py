"""Sentences as vectors: what needs no model, and, where the extra `semantic` is installed, the model itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.text.sentences import DIMENSIONS, embed, installed, pieces, read_weights

VOCABULARY = {word: n for n, word in enumerate("[UNK] [CLS] [SEP] a creme bru ##lee . , 數 ##s cat".split())}

with_model = pytest.mark.skipif(not installed(), reason="the extra `semantic` is not installed")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []), (" \t\n", []), ("A cats", ["a", "cat", "##s"]), ("Crème BRÛLÉE.", ["creme", "bru", "##lee", "."]),
        ("a數a", ["a", "數", "a"]), ("dog a", ["[UNK]", "a"]), ("a\u200b,\x00a", ["a", ",", "a"]),
        ("c" * 101, ["[UNK]"]), ("catt", ["[UNK]"]),
    ],
)  # fmt: skip
def test_words_are_split_into_known_pieces(text: str, found: list[str]) -> None:
    assert pieces(text, VOCABULARY) == ["[CLS]", *found, "[SEP]"]


def test_long_text_is_cut() -> None:
    assert len(pieces("a " * 5000, VOCABULARY)) == 256


def weights_file(path: Path, kind: str) -> Path:
    """A safetensors file of one array."""
    values = np.arange(6, dtype="<f4")
    about = {"__metadata__": {"format": "pt"}, "x": {"dtype": kind, "shape": [2, 3], "data_offsets": [0, 24]}}
    told = json.dumps(about).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + values.tobytes())
    return path


def test_weights_are_read_as_they_lie_in_the_file(tmp_path: Path) -> None:
    found = read_weights(weights_file(tmp_path / "w", "F32"))
    assert list(found) == ["x"] and found["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="expected F32, found F16"):
        read_weights(weights_file(tmp_path / "w", "F16"))


@with_model
def test_like_sentences_are_close_and_others_are_not() -> None:
    texts = [
        "Review the code for bugs and propose fixes.", "Look through this source and report defects with remedies.",
        "Write a poem about the sea in autumn.",
    ]  # fmt: skip
    rows = embed(texts)
    assert rows.shape == (3, DIMENSIONS) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    cosines = rows @ rows.T
    assert cosines[0, 1] > 0.5 > 0.2 > max(cosines[0, 2], cosines[1, 2])


@with_model
def test_a_vector_depends_on_its_own_text_alone() -> None:
    texts = ["One thing is said here.", "", "Another, much longer one is said over there, " * 20]
    together = embed(texts)
    assert all((embed([text])[0] == row).all() for text, row in zip(texts, together, strict=True))
    assert embed([]).shape == (0, DIMENSIONS)


@with_model
def test_the_numbers_are_those_that_others_publish() -> None:
    """The first numbers of one sentence, as other programs print them that read the same weights."""
    found = embed(["This is an example sentence"])[0][:4]
    assert found.tolist() == pytest.approx([0.0676569, 0.0634959, 0.0487131, 0.0793050], abs=2e-6)
