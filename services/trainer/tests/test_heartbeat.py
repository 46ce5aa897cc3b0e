"""What a terminal shows while nothing is printed."""

import io
import sys

from trainer import cli
from trainer.heartbeat import CLEAR, Heartbeat, heartbeat


def test_a_line_is_told_again_after_two_seconds_and_taken_away_before_the_next(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    now = [0.0]
    terminal = io.StringIO()
    heart = Heartbeat(terminal, clock=lambda: now[0])
    heart.printed("150 texts, 10 labels\n")
    now[0] = 1.9
    heart.beat()
    assert terminal.getvalue() == ""
    now[0] = 3
    heart.beat()
    assert terminal.getvalue() == f"{CLEAR}150 texts, 10 labels … 3 s"
    heart.printed("a line that is longer than the terminal is wide\n")
    assert terminal.getvalue().endswith(CLEAR)
    now[0] = 15
    heart.beat()
    assert terminal.getvalue().split(CLEAR)[-1] == "a line that is longer than the t … 12 s"
    heart.clear()
    heart.clear()
    assert terminal.getvalue().count(CLEAR) == 4


def test_a_pipe_gets_what_is_printed_and_nothing_else(monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with heartbeat():
        assert (sys.stdout, sys.stderr) == (out, err)
        print("text")
    assert (out.getvalue(), err.getvalue()) == ("text\n", "")


def test_ctrl_c_is_told_in_a_line_and_by_the_exit_code(monkeypatch, capsys):
    def pressed(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "value_main", pressed)
    assert cli.main(["value", "--name", "auto", "--data", "x.csv"]) == 130
    assert capsys.readouterr().err == "value: stopped\n"
