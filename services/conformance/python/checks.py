"""What every client script shares: it runs named checks and prints one JSON line for each."""

import asyncio
import inspect
import json
import os
import sys
import traceback

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8084"
KEY = os.environ.get("CONFORMANCE_KEY", "unused")
MODEL = os.environ.get("CONFORMANCE_MODEL", "auto")
TEXT = "Write a Python function that reverses a linked list."
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


# One loop for all: clients keep connections, and those of a loop that has ended can't be used in the next.
LOOP = asyncio.new_event_loop()


def check(name, run):
    """Runs one check; a coroutine function is awaited. What it raises is the check's failure."""
    try:
        result = run()
        if inspect.isawaitable(result):
            LOOP.run_until_complete(result)
        print(json.dumps({"check": name, "ok": True}), flush=True)
    except BaseException as error:  # noqa: BLE001 - one check's end must not be the others'
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename.split('/')[-1]}:{last.lineno}"
        print(json.dumps({"check": name, "ok": False, "error": f"{type(error).__name__}: {str(error)[:400]} ({where})"}), flush=True)


def said(text):
    """The stand-ins say who they are, so an answer that came from one is told from an empty or made-up one."""
    assert "stand-in" in (text or ""), f"not an answer of the stand-ins: {text!r}"
