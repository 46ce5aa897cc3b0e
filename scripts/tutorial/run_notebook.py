"""Runs a notebook from the repository's root and prints it, with its outputs, as JSON.

Usage: run_notebook.py FILE ROOT. Exit code 1 with the cell and its error when a cell fails.
"""

import json
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SECONDS_A_CELL = 300


def plain(output: dict) -> dict:
    """What a reader sees, without counters that change from run to run."""
    if output["output_type"] == "stream":
        return {"name": output["name"], "output_type": "stream", "text": output["text"]}
    data = {"text/plain": output.get("data", {}).get("text/plain", "")}
    return {"data": data, "metadata": {}, "output_type": "display_data"}


def main(file: str, root: str) -> int:
    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": root}})
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.outputs = [nbformat.from_dict(plain(output)) for output in cell.outputs]
        cell.execution_count = number
        cell.metadata = nbformat.from_dict({})
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
    )
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    print(text.replace(root + "/", ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
