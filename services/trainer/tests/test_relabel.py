"""Cue words mend the labels that a noisy source got wrong."""

from trainer import relabel
from trainer.data import Row

PASSAGE = "The Tay is the longest river in Scotland. It rises on Ben Lui and flows east through Perth to the sea at Dundee. " * 4


def row(prompt, task, source="dolly/summarization", complexity=None):
    return Row(prompt, task, complexity, None, source)


def mended(prompt, task, source="dolly/summarization"):
    return relabel.clean([row(prompt, task, source)])[0].task


def test_a_question_filed_as_summary_is_closed_qa():
    assert mended(f"Where does the Tay reach the sea?\n\n{PASSAGE}", "Summarization") == "Closed QA"


def test_a_list_filed_as_question_is_extraction():
    assert mended(f"List all the places named in this text.\n\n{PASSAGE}", "Closed QA", "dolly/closed_qa") == "Extraction"


def test_a_summary_filed_as_extraction():
    assert mended(f"Please summarize the text.\n\n{PASSAGE}", "Extraction", "dolly/information_extraction") == "Summarization"


def test_the_request_may_stand_last():
    assert mended(f"{PASSAGE}\nGive me a short summary", "Closed QA", "dolly/closed_qa") == "Summarization"


def test_sources_that_are_trusted_keep_their_label():
    assert mended("Summarize: why is the sky blue?", "Open QA", "somewhere/else") == "Open QA"


def test_routine_work_on_supplied_text_has_no_label_reason():
    assert relabel.clean([row(f"Please summarize the text.\n\n{PASSAGE}", "Summarization")])[0].complexity == "No-Label-Reason"


def test_an_explicit_limit_is_not_called_routine():
    assert relabel.clean([row(f"Please summarize the text in exactly three sentences.\n\n{PASSAGE}", "Summarization")])[0].complexity is None


def test_rows_without_any_label_are_dropped():
    assert relabel.clean([Row("hello", None, None, None, "x")]) == []


def test_only_noisy_sources_lose_their_task():
    noisy, other = row(f"Who rises there?\n\n{PASSAGE}", "Summarization", "dolly/summarization#closed-context"), row("Who wrote it?", "Code Generation", "mbpp")
    assert relabel.is_noisy(noisy) and not relabel.is_noisy(other) and not relabel.is_noisy(row("x", None))
    assert relabel.task_of(noisy) == "Closed QA" and relabel.task_of(other) == "Code Generation"
