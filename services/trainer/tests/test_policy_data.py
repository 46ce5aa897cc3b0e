"""What `policy` refuses, and that it names the line and the cure."""

import json

import pytest

from trainer import policy_data
from trainer.rows import BadData


def refusal(tmp_path, content, name="data.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadData) as caught:
        policy_data.read(path)
    return str(caught.value)


def test_reads_csv_with_quotes_newlines_and_bom(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b'\xef\xbb\xbftext,label\n"one, two\nthree",a\nfour,a\nfive,b\nsix,b\n')
    examples = policy_data.read(path)
    assert examples.texts == ["one, two\nthree", "four", "five", "six"]
    assert examples.names == ("a", "b")


def test_reads_jsonl_with_prompt_and_intent(tmp_path):
    path = tmp_path / "data.jsonl"
    rows = [{"prompt": f"text {i}", "intent": "ab"[i % 2], "task": None} for i in range(6)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert policy_data.read(path).labels == ["a", "b"] * 3


def test_drops_repeated_rows_and_counts_them(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("text,label\nhi,a\nHi ,a\nho,a\nbye,b\nciao,b\n")
    assert policy_data.read(path).dropped == 1


def test_empty_label_names_its_line(tmp_path):
    message = refusal(tmp_path, 'text,label\n"two\nlines",a\nhello,\nx,b\n')
    assert "data.csv:4: empty label" in message


def test_empty_text_names_its_line(tmp_path):
    assert "data.csv:2: empty text" in refusal(tmp_path, "text,label\n  ,a\nx,b\n")


def test_one_example_of_a_label(tmp_path):
    message = refusal(tmp_path, "text,label\nx,a\ny,a\nz,lonely\n")
    assert "only one example" in message and "'lonely'" in message


def test_one_row(tmp_path):
    assert "at least two" in refusal(tmp_path, "text,label\nx,a\n")


def test_no_rows(tmp_path):
    assert "no rows" in refusal(tmp_path, "text,label\n")


def test_empty_file(tmp_path):
    assert "The first line must be: text,label" in refusal(tmp_path, "")


def test_wrong_columns_are_listed(tmp_path):
    message = refusal(tmp_path, "question,answer\nx,y\n")
    assert "'question', 'answer'" in message and "text,label" in message


def test_unquoted_comma(tmp_path):
    assert "data.csv:3: 3 fields where the header has 2" in refusal(tmp_path, "text,label\na,b\none, two,a\n")


def test_contradicting_labels_name_both_lines(tmp_path):
    message = refusal(tmp_path, "text,label\nMy card,a\nx,a\nmy  card,b\ny,b\n")
    assert "a (line 2)" in message and "b (line 4)" in message


def test_not_utf8_names_byte_and_line(tmp_path):
    message = refusal(tmp_path, "text,label\nok,a\ncafé,b\n".encode("latin-1"))
    assert "data.csv:3: not UTF-8" in message and "0xe9" in message


def test_utf16(tmp_path):
    assert "UTF-8" in refusal(tmp_path, "text,label\nx,a\n".encode("utf-16"))


def test_200_000_rows(tmp_path):
    message = refusal(tmp_path, "text,label\n" + "".join(f"text {i},{i % 3}\n" for i in range(200_000)))
    assert "over 100,000 rows" in message and "sample" in message


def test_jsonl_that_is_not_json(tmp_path):
    assert "data.jsonl:2: not JSON" in refusal(tmp_path, '{"text":"x","label":"a"}\n{oops\n', "data.jsonl")


@pytest.mark.parametrize(("line", "words"), [
    (r'{"text":"cut \ud83d","label":"a"}', r"data.jsonl:2: holds \ud83d, half of a character"),
    ("[" * 100_000, "data.jsonl:2: nested too deep"),
    ('{"text":"x","label":"a","n":' + "9" * 5_000, "data.jsonl:2: not JSON"),
])
def test_json_that_python_takes_or_breaks_on_and_nothing_can_be_done_with(tmp_path, line, words):
    assert words in refusal(tmp_path, '{"text":"x","label":"a"}\n' + line + "\n", "data.jsonl")


def test_other_extension(tmp_path):
    assert "want a .csv, .tsv or .jsonl" in refusal(tmp_path, "x", "data.xlsx")


def test_missing_file(tmp_path):
    with pytest.raises(BadData, match="cannot be read"):
        policy_data.read(tmp_path / "none.csv")


def test_label_with_control_characters(tmp_path):
    assert "swapped" in refusal(tmp_path, 'text,label\nx,"a\nb"\ny,a\n')
