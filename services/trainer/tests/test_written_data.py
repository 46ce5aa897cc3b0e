"""The files of prompts and bodies: well-formed, in enough languages, and nothing on both sides of the line."""

import json
from collections import Counter

from trainer import bodies, data

LANGUAGES = ("zh", "ja", "ko", "ar", "hi", "th", "he", "ru", "tr", "vi", "id", "uk", "de", "fr", "es", "pt", "it", "pl", "nl")

LONG = 80
"""Characters from which two equal texts can't be chance ("hello", "You are a helpful assistant.")."""


def prompts(folder):
    """(file, raw row) of every prompt in a folder of data."""
    for path in sorted((data.OWN / folder).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield path.name, json.loads(line)


def body_rows(side):
    return [row for path in sorted((data.OWN / "bodies" / side).glob("*.jsonl")) for row in bodies.read(path)]


def key(text):
    return " ".join(text.split()).casefold()


def test_prompts_say_their_language_source_and_licence():
    for name, row in [*prompts("own"), *prompts("heldout")]:
        assert isinstance(row["prompt"], str) and len(row["lang"]) in (2, 3) and row["source"] and row["licence"] == "CC0-1.0", (name, row["prompt"][:60])


def test_a_second_reading_is_noted_only_where_it_differs():
    for name, row in prompts("own"):
        for column in ("task", "complexity"):
            assert f"second_{column}" not in row or row[f"second_{column}"] != row[column], (name, row["prompt"][:60])


def test_held_out_rows_have_one_reading_that_counts():
    for name, row in prompts("heldout"):
        assert "second_task" not in row and "second_complexity" not in row, (name, row["prompt"][:60])


def test_every_large_language_has_at_least_sixty_training_prompts():
    counts = Counter(row["lang"] for _, row in prompts("own"))
    assert {language: counts[language] for language in LANGUAGES if counts[language] < 60} == {}


def test_no_prompt_longer_than_a_greeting_is_trained_on_and_held_out():
    trained = {key(row["prompt"]) for _, row in prompts("own")}
    shared = [row["prompt"] for _, row in prompts("heldout") if key(row["prompt"]) in trained]
    assert [prompt for prompt in shared if len(prompt) > 40] == []


def test_bodies_are_well_formed_and_no_body_stands_twice():
    rows = [*body_rows("own"), *body_rows("heldout")]
    said = Counter(key("\n".join(bodies.texts(row["body"]))) for row in rows)
    assert rows and [text[:80] for text, count in said.items() if count > 1] == []
    assert all(len(row["lang"]) == 2 and row["source"] and row["licence"] == "CC0-1.0" for row in rows)


def test_held_out_bodies_share_no_words_of_people_with_trained_ones():
    def asks(row):
        messages = row["body"].get("messages", row["body"].get("input"))
        said = [m for m in messages if m.get("role") == "user"] if isinstance(messages, list) else [messages or row["body"].get("prompt")]
        return {key(text) for message in said for text in bodies.texts(message) if len(text) >= LONG}

    trained = {text for row in body_rows("own") for text in asks(row)} | {key(row["prompt"]) for _, row in prompts("own") if len(row["prompt"]) >= LONG}
    assert [text[:80] for row in body_rows("heldout") for text in asks(row) if text in trained] == []
