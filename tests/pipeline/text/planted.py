"""Prompts with planted frames, from a small grammar: what the tests of templates measure against."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_NOUNS = """harbour ledger sensor museum recipe contract engine garden lecture protein archive bridge novel invoice
orchestra glacier syllabus battery mosaic vaccine railway kernel harvest treaty portrait turbine colony dialect
furnace census voyage lantern reservoir manuscript algorithm sculpture monsoon compiler orchard parliament violin
telescope quarry beehive tapestry satellite estuary printer volcano choir notebook pipeline castle enzyme""".split()
_ADJECTIVES = """quiet northern fragile medieval rapid hollow digital bitter coastal spare modest radical frozen hidden
linear copper brittle annual remote eager tidal narrow obscure gentle vivid stubborn royal sparse molten
plain""".split()
_VERBS = """describes measures replaces follows threatens improves resembles supports explains limits surrounds
questions predicts delays inspires contains translates protects corrects divides reveals balances""".split()
_ORDERS = """summarise classify rewrite evaluate compare extract outline translate annotate criticise solve expand
verify reorganise paraphrase grade""".split()
_LINKS = "because although while whenever unless since before after".split()
_ZH = """数据 城市 历史 模型 河流 学生 机器 音乐 政府 森林 语言 市场 医院 桥梁 诗歌 电池 海洋 老师
问题 结果 分析 描述 比较 翻译 总结 评价 改写 解释 证明 预测 重要 古老 快速 简单 复杂 公开
安静 现代 北方 主要 可以 需要 已经 正在 必须 因为 所以 但是 如果 以及 关于 通过 根据 方法
系统 研究 文章 段落 步骤 答案 原因 影响 部分 方式 条件""".split()
_EXTRA = "kindly please also clearly briefly carefully now here".split()


@dataclass(frozen=True)
class Planted:
    """Prompts in a random order, the frame of each (-1: none) and who sent it."""

    texts: list[str]
    frame: npt.NDArray[np.int64]
    accounts: list[str]

    def column(self) -> pa.Array:
        """The prompts as Arrow."""
        return pa.array(self.texts, pa.string())


def sentence(dice: random.Random) -> str:
    """A sentence of free text."""

    def thing() -> str:
        return f"{dice.choice(['the', 'a', 'this', 'every'])} {dice.choice(_ADJECTIVES)} {dice.choice(_NOUNS)}"

    first = f"{thing()} {dice.choice(_VERBS)} {thing()}"
    if dice.random() < 0.6:
        first += f" {dice.choice(_LINKS)} {thing()} {dice.choice(_VERBS)} {dice.choice(_NOUNS)}"
    return first[0].upper() + first[1:] + "."


def order(dice: random.Random) -> str:
    """A sentence that tells the model what to do."""
    return (
        f"{dice.choice(_ORDERS).capitalize()} the {dice.choice(_ADJECTIVES)} {dice.choice(_NOUNS)} for a"
        f" {dice.choice(_ADJECTIVES)} {dice.choice(_NOUNS)} and {dice.choice(_ORDERS)} each {dice.choice(_NOUNS)}"
        f" {dice.choice(_LINKS)} it {dice.choice(_VERBS)} the {dice.choice(_NOUNS)}."
    )


def chinese(dice: random.Random) -> str:
    """A run of words without spaces."""
    return "".join(dice.choice(_ZH) for _ in range(dice.randint(7, 12))) + dice.choice("。！？")


def paraphrased(dice: random.Random, text: str, rate: float) -> str:
    """Drop, insert, replace and swap words."""
    words: list[str] = []
    for word in text.split():
        draw = dice.random()
        if draw < rate / 3:
            continue
        words.append(dice.choice(_EXTRA) if draw < 2 * rate / 3 else word)
        if draw > 1 - rate / 3:
            words.append(dice.choice(_EXTRA))
    if dice.random() < 0.2:
        place = dice.randrange(len(words) - 1)
        words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)


def plant(kind: str, *, seed: int = 1, n_frames: int = 25, n_each: int = 40, n_other: int = 1500) -> Planted:
    """Prompts of one kind: `end`, `start`, `middle`, `paraphrase`, `wrapped`, `chinese` or `mixed`."""
    dice = random.Random(f"{kind} {seed}")
    free = chinese if kind == "chinese" else sentence
    joint = "" if kind == "chinese" else " "
    wrappers = [" ".join(order(dice) for _ in range(dice.randint(14, 24))) for _ in range(3)]
    rows: list[tuple[str, int, str]] = []

    def dressed(text: str, share: float) -> str:
        if kind in ("wrapped", "mixed") and dice.random() < share:
            return dice.choice(wrappers) + "\n\n" + text
        return text

    for number in range(n_frames):
        parts = [(chinese if kind == "chinese" else order)(dice) for _ in range(dice.randint(2, 3))]
        members = [f"ring {number} {member}" for member in range(dice.randint(3, 9))]
        where = (
            dice.choice(["end", "start", "middle"]) if kind in ("paraphrase", "mixed", "wrapped", "chinese") else kind
        )
        for _ in range(n_each):
            fixed = parts
            if kind in ("paraphrase", "mixed") and dice.random() < 0.7:
                fixed = [paraphrased(dice, part, 0.06) for part in parts]
            slot = joint.join(free(dice) for _ in range(dice.randint(1, 8)))
            cut = {"end": len(fixed), "start": 0, "middle": 1}[where]
            text = joint.join([*fixed[:cut], slot, *fixed[cut:]])
            rows.append((dressed(text, 0.5), number, dice.choice(members)))
    for _ in range(n_other):
        text = joint.join(free(dice) for _ in range(dice.randint(1, 10)))
        rows.append((dressed(text, 0.4), -1, f"someone {dice.randrange(n_other)}"))
    dice.shuffle(rows)
    return Planted([row[0] for row in rows], np.array([row[1] for row in rows]), [row[2] for row in rows])


def pairwise(truth: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """Precision, recall and F1 over pairs of rows; rows at -1 are alone."""

    def alone(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.where(labels < 0, np.arange(len(labels)) + 1_000_000, labels)

    def pairs(labels: npt.NDArray[np.int64]) -> int:
        counts = np.unique(labels, return_counts=True)[1]
        return int((counts * (counts - 1) // 2).sum())

    one, other = alone(truth), alone(found)
    both = pairs(one * 10_000_000 + other)
    precision, recall = both / max(1, pairs(other)), both / max(1, pairs(one))
    return precision, recall, 2 * precision * recall / max(1e-12, precision + recall)
