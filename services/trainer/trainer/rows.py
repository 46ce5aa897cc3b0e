"""Records of a CSV, TSV or JSON-lines file with their line numbers; plain or .gz."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_BYTES = 1 << 30
TABLES = (".csv", ".tsv")
MOST_DIGITS = 300
"""Of a whole number that a float holds."""


class BadData(Exception):
    """Unusable data; the message is for the user."""


def is_table(path: Path) -> bool:
    """Whether its first line names columns."""
    return path.name.lower().removesuffix(".gz").endswith(TABLES)


def text_of(path: Path) -> str:
    """The file's text. Raises BadData where it cannot be read as UTF-8."""
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as stream:
                raw = stream.read(MAX_BYTES + 1)
        else:
            raw = path.read_bytes()
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror or error})") from None
    except (EOFError, zlib.error) as error:
        raise BadData(f"{path}: cannot be read ({error})") from None
    if len(raw) > MAX_BYTES:
        raise BadData(f"{path}: over 1 GiB; take a sample")
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadData(
            f"{path}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x} at offset {error.start}). "
            "Save the file as UTF-8, e.g. iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    if "\0" in content:
        raise BadData(f"{path}: holds NUL bytes; is this a spreadsheet or UTF-16? Export it as CSV in UTF-8")
    return content


def records(path: Path, header: Callable[[list[str]], object] = lambda _: None) -> Iterator[tuple[int, dict]]:
    """(line, record) of each row. header: told a table's columns before any row; it may raise BadData."""
    name = path.name.lower().removesuffix(".gz")
    content = text_of(path)
    if is_table(path):
        yield from _csv(path, content, header)
    elif name.endswith((".jsonl", ".ndjson", ".json")):
        yield from _json(path, content)
    else:
        raise BadData(f"{path}: want a .csv, .tsv or .jsonl file (or one of them with .gz), not '{path.suffix or 'no extension'}'")


def _csv(path: Path, content: str, told: Callable[[list[str]], object]) -> Iterator[tuple[int, dict]]:
    csv.field_size_limit(16 * 1024 * 1024)
    first = content.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise BadData(f"{path}:1: the column '{twice[0]}' stands twice in the header")
        told(header)
        before = reader.line_num
        for fields in reader:
            line, before = before + 1, reader.line_num
            if not fields:
                continue
            if len(fields) != len(header):
                raise BadData(
                    f"{path}:{line}: {len(fields)} fields where the header has {len(header)}; a text with '{delimiter}' in it must stand in double quotes")
            yield line, dict(zip(header, fields))
    except csv.Error as error:
        raise BadData(f"{path}:{reader.line_num}: not valid CSV ({error})") from None


def parsed(source: str, where: str, whole: bool = False) -> object:
    """A JSON text. Raises BadData for what is none, and for what Python's reader takes or breaks on though nothing can be done with it.

    where: the file, and its line where the text is one; whole: the text is all of the file.
    """
    try:
        item = json.loads(source, parse_int=_whole)
        if "\\u" in source:
            json.dumps(item, ensure_ascii=False).encode()
        return item
    except json.JSONDecodeError as error:
        raise BadData(f"{where}{f':{error.lineno}' if whole else ''}: not JSON ({error.msg} at column {error.colno})") from None
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise BadData(f"{where}: holds {half}, half of a character: a text was cut in its middle. Cut texts between characters, or leave it out") from None
    except RecursionError:
        raise BadData(f"{where}: nested too deep to be read") from None


def _whole(digits: str) -> int | float:
    """A whole number; one that no float holds is infinite, as 1e999 is."""
    return int(digits) if len(digits) < MOST_DIGITS else float(digits)


def _json(path: Path, content: str) -> Iterator[tuple[int, dict]]:
    if content.lstrip().startswith("["):
        items = parsed(content, str(path), whole=True)
        numbered = enumerate(items if isinstance(items, list) else [], 1)
    else:
        numbered = _lines(path, content)
    for line, item in numbered:
        if not isinstance(item, dict):
            raise BadData(f"{path}:{line}: want an object, not {json.dumps(item)[:40]}")
        yield line, item


def _lines(path: Path, content: str) -> Iterator[tuple[int, object]]:
    for line, source in enumerate(content.split("\n"), 1):
        if not source.strip():
            continue
        yield line, parsed(source, f"{path}:{line}")
