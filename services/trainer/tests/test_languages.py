"""Figures by language and kind."""

import numpy as np
import pytest

from trainer import evaluate, languages


@pytest.mark.parametrize(("prompt", "said", "want"), [
    ("schreib mir was", "de", "de"), ("hello", "PT-br", "pt"), ("hello", None, "unknown"), ("今日の天気は？", None, "ja"), ("今天天气怎么样", None, "zh"),
    ("Як справи, їжаче?", None, "uk"), ("Как дела?", None, "ru"), ("한국어로 써 줘", None, "ko"), ("fix this Python code for me please: print('да')", None, "unknown"),
    ("اكتب رسالة", None, "ar"), ("สวัสดี", None, "th"), ("नमस्ते", None, "hi"), ("", None, "unknown"),
])
def test_the_language_is_what_the_row_says_else_the_scripts(prompt, said, want):
    assert languages.of(prompt, said) == want


def test_groups():
    assert [languages.group(name) for name in ("en", "unknown", "de", "ja")] == ["English", "English", "other Latin", "other scripts"]


def test_figures_by_language_and_kind():
    gold, probabilities = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    report = evaluate.scores(gold, probabilities, ("a", "b"), np.array(["de", "en", "de"]), np.array(["prompt", "agent", "prompt"]))
    assert list(report["by_language"]) == ["de", "en"]
    german = report["by_language"]["de"]
    mean, bound = german.pop("ece_chance")
    # Told .9 and .6 of one row each: whether right or wrong, no bin is off by less than .1 and .4, so the two by .25 in all.
    assert 0.25 <= mean <= bound <= 1
    assert german == {"n": 2, "accuracy": 1.0, "ece": pytest.approx(0.25), "gap": pytest.approx(-0.25)}
    assert report["by_kind"]["agent"]["accuracy"] == 0
    assert "language   de 1.000 (2), en 0.000 (1)" in evaluate.table(report, "x")
