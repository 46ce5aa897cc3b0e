"""The everyday intents: the files, and the figures made of them."""

from collections import Counter

import numpy as np
import pytest

from trainer import intents, policy_data

LANGUAGES = ("en", "de", "fr", "es", "zh", "ru")


def key(text):
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text).split()).casefold()


def test_every_intent_has_ten_english_examples_and_is_asked_in_every_language():
    train, test = intents.read(intents.TRAIN), intents.read(intents.TEST)
    taught = Counter(row["label"] for row in train)
    assert len(taught) == 100 and set(taught.values()) == {10} and {row["lang"] for row in train} == {"en"}
    asked = Counter((row["label"], row["lang"]) for row in test if row["label"] is not None)
    assert asked == {(label, lang): 2 if lang == "en" else 1 for label in taught for lang in LANGUAGES}
    assert Counter(row["lang"] for row in test if row["label"] is None) == dict.fromkeys(LANGUAGES, 8)


def test_no_text_stands_twice_and_each_has_its_domain_and_licence():
    rows = [*intents.read(intents.TRAIN), *intents.read(intents.TEST)]
    assert [text for text, count in Counter(key(row["text"]) for row in rows).items() if count > 1] == []
    domains = {(row["label"], row["domain"]) for row in rows if row["label"] is not None}
    assert len(domains) == 100 and Counter(Counter(domain for _, domain in domains).values()) == {10: 10}
    taught = {key(row["text"]) for row in intents.read(intents.TRAIN)}
    for row in intents.read():
        # What is asked in another language stands beside it in English, to tell the language's part in a miss.
        assert ("english" in row) == (row["label"] is not None and row["lang"] != "en")
        assert key(row.get("english", "-")) not in taught, row["english"]
    assert all(row["licence"] == "CC0-1.0" and (row["domain"] is None) == (row["label"] is None) for row in rows)


def test_policy_train_takes_the_examples_as_they_are():
    examples = policy_data.read(intents.TRAIN)
    assert len(examples.names) == 100 and len(examples.texts) == 1000 and examples.dropped == 0


ROWS = [
    {"text": "a", "label": "x", "domain": "d", "lang": "en"}, {"text": "b", "label": "y", "domain": "d", "lang": "en"},
    {"text": "c", "label": "x", "domain": "d", "lang": "de", "english": "C"}, {"text": "d", "label": "y", "domain": "e", "lang": "de", "english": "D"},
    {"text": "e", "label": None, "domain": None, "lang": "en"}, {"text": "f", "label": None, "domain": None, "lang": "de"},
]


TOLD = dict(zip("abcdefCD", np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4], [0.55, 0.45], [0.35, 0.65], [0.9, 0.1], [0.1, 0.9]])))


def answer(texts):
    return np.stack([TOLD[text] for text in texts])


def test_figures_by_language_leave_out_what_has_no_intent_and_tell_how_sure_it_is():
    found = intents.figures(ROWS, ("x", "y"), answer)
    english, german = found["by_language"]["en"], found["by_language"]["de"]
    assert (english["n"], english["accuracy"], german["accuracy"], german["in_english"]) == (2, 1.0, 0.5, 1.0)
    assert german["gap"] == pytest.approx(0.15) and english["gap"] == pytest.approx(-0.15)
    # Surer of both English intents than of the text with none; of the German ones (.7, .6) only one is above .65.
    assert (english["none"]["auroc"], german["none"]["auroc"]) == (1.0, 0.5)
    assert english["none"]["confidence"] == pytest.approx(0.55)
    assert found["by_language"][intents.OTHERS] == german
    assert found["by_domain"] == {"d": 1.0, "e": 0.0} and found["pairs"] == [("y", "x", 1)]


@pytest.mark.parametrize(("told", "taken"), [("so it is better", "layers of its own"), ("that may be chance (0.30)", "the head alone")])
def test_the_table_has_a_line_for_each_language_of_each_policy(told, taken):
    made = intents.figures(ROWS, ("x", "y"), answer)
    text = intents.table({"made": {"0": {"seeds": [made]}, "2": {"seeds": [made, made]}}, "auto": told, "base": made})
    assert "(`--base`): right in en 1.000, in the other languages 0.500, in these when said in English 1.000." in text
    assert text.count("| `--layers 0` | en | 2 | 1.000 | 1.000 |") == 1 and text.count("| `--layers 2` | de | 2 | 0.500 | 1.000 |") == 1
    assert "`--layers 2` with seeds 0 to 1: right in en 1.000, 1.000; the other languages 0.500, 0.500." in text
    assert f"`--layers auto` takes {taken}: {told}." in text
