"""`policy` and `precision` must run where only requirements-policy.txt is installed: no JAX, no optax, no safetensors."""

import subprocess
import sys
from pathlib import Path

BLOCKER = """
import sys
for name in ("jax", "optax", "safetensors", "matplotlib"):
    sys.modules[name] = None
from trainer import cli, policy, served
arguments = cli.parser().parse_args(["policy", "--name", "x", "--data", "none.csv", "--repository", "."])
print(arguments.run(arguments))
from trainer import precision
from trainer.value import fill, train
"""


def test_policy_imports_no_jax():
    done = subprocess.run(
        [sys.executable, "-c", BLOCKER], capture_output=True, text=True, cwd=Path(__file__).parent.parent, timeout=120, check=False)
    assert done.stdout.strip() == "2", done.stderr
    assert "no prompt_encoder" in done.stderr
