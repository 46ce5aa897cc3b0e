"""Names that functions read are there: Python tells of one that is not only when its line runs, and some run in hours of training alone."""

import builtins
import dis
from pathlib import Path
from types import CodeType

import pytest

PACKAGE = Path(__file__).resolve().parent.parent
FILES = [path for folder in ("trainer", "proof") for path in sorted((PACKAGE / folder).rglob("*.py"))]
ALWAYS = {*dir(builtins), "__annotations__", "__file__", "__name__", "__doc__"}


def within(code: CodeType):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from within(constant)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_global_name_is_defined_in_its_file(path):
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    told = [step for part in within(code) for step in dis.get_instructions(part)]
    made = {step.argval for step in told if step.opname in ("STORE_NAME", "STORE_GLOBAL")}
    read = {step.argval for step in told if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    assert read - made - ALWAYS == set()
