import importlib.util
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# Tests import onnxruntime by themselves, too.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# A step of a test model is compiled for seconds and taken a few times.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"

# torch is an engine by choice (--engine torch), not a requirement.
collect_ignore = [] if importlib.util.find_spec("torch") else ["tests/test_engines.py"]
