"""On a terminal: what goes on while nothing is printed, on a line that is written over."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

SILENT_S = 2.0
CLEAR = "\r\x1b[K"


class Heartbeat:
    """Repeats the last line that was printed, and for how long it has been so."""

    def __init__(self, terminal: TextIO, clock=time.monotonic) -> None:
        self._terminal, self._clock = terminal, clock
        self._lock = threading.RLock()
        self._last, self._since = "starting", clock()
        self._is_shown = False

    def printed(self, text: str) -> None:
        """Something else is about to be printed."""
        with self._lock:
            self.clear()
            self._last = next((line for line in reversed(text.splitlines()) if line.strip()), self._last).strip()
            self._since = self._clock()

    def beat(self) -> None:
        with self._lock:
            silent = self._clock() - self._since
            if silent < SILENT_S:
                return
            told = f" … {silent:.0f} s"
            width = shutil.get_terminal_size().columns - 1
            self._terminal.write(CLEAR + (self._last[: max(0, width - len(told))] + told)[:width])
            self._terminal.flush()
            self._is_shown = True

    def clear(self) -> None:
        with self._lock:
            if self._is_shown:
                self._terminal.write(CLEAR)
                self._terminal.flush()
            self._is_shown = False


class _Watched:
    """A stream whose writes are told to the heartbeat first."""

    def __init__(self, stream: TextIO, heart: Heartbeat) -> None:
        self._stream, self._heart = stream, heart

    def write(self, text: str) -> int:
        self._heart.printed(text)
        return self._stream.write(text)

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


@contextlib.contextmanager
def heartbeat() -> Iterator[None]:
    """Nothing where standard error is no terminal: whoever reads a log finds the lines that are printed."""
    out, err = sys.stdout, sys.stderr
    if not err.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    heart = Heartbeat(err)
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(1):
            heart.beat()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    # What goes into a pipe beside a terminal does not disturb the line, but it is news.
    sys.stdout, sys.stderr = _Watched(out, heart), _Watched(err, heart)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
        over.set()
        thread.join()
        heart.clear()
