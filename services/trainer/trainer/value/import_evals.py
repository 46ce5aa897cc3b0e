"""`value:import`: others' files in our form, and what could not be carried over."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ..rows import BadData
from . import importers


def main(arguments) -> int:
    """The command: exit code 2 and a message on stderr for what the user can mend."""
    out = Path(arguments.out)
    try:
        if arguments.source == "prices":
            listed, left = importers.prices(Path(arguments.file[0]), arguments.date)
            if not listed["prices"]:
                raise BadData(f"{arguments.file[0]}: no prices in it")
            done = f"{len(listed['prices']):,} prices of {arguments.date}"
            partial = out.with_name(f".{out.name}.new")
            partial.write_text(json.dumps(listed, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            partial.replace(out)
        else:
            if out.suffix not in (".csv", ".jsonl"):
                raise BadData(f"--out {out}: want a name that ends in .csv or .jsonl")
            made = importers.Import()
            for file in arguments.file:
                importers.FORMS[arguments.source](Path(file), made)
            if not made.rows:
                raise BadData(f"{', '.join(arguments.file)}: nothing in it is a score" + (f"; {made.left[0]}" if made.left else ""))
            importers.write(made.rows, out)
            left, done = made.left, f"{len(made.rows):,} scores of {len({row['target'] for row in made.rows})} targets"
    except BadData as error:
        print(f"value: {error}\nNothing was changed.", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"value: {out}: cannot be written ({error.strerror})\nNothing was changed.", file=sys.stderr)
        return 2
    for each in left[: importers.MOST_SAID]:
        print(f"left out: {each}", file=sys.stderr)
    if len(left) > importers.MOST_SAID:
        print(f"left out: {len(left) - importers.MOST_SAID:,} more", file=sys.stderr)
    print(f"wrote {done} to {out}" + (f"; {len(left):,} left out" if left else ""))
    return 0
