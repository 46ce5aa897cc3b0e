"""The cut that servers make too: head and tail stay."""

from trainer import tokens


def test_short_sequences_stay_whole():
    assert tokens.cut_ids([101, 7, 102], 8) == [101, 7, 102]


def test_long_sequences_keep_both_ends_and_the_specials():
    ids = [101, *range(1000, 1100), 102]
    cut = tokens.cut_ids(ids, 9)
    assert cut == [101, 1000, 1001, 1002, 1096, 1097, 1098, 1099, 102]


def test_exactly_the_limit_is_not_cut():
    ids = [101, *range(30), 102]
    assert tokens.cut_ids(ids, 32) == ids


def test_characters_are_cut_before_tokens():
    text = "a" * 9000 + "b" * 9000
    cut = tokens.cut_chars(text)
    assert len(cut) == 16385 and cut.startswith("aaa") and cut.endswith("bbb")


def test_padding_masks_what_it_adds():
    ids, mask = tokens.pad([[101, 5, 102], [101, 102]], 4)
    assert ids.tolist() == [[101, 5, 102, 0], [101, 102, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]
