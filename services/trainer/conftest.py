import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# Tests import onnxruntime by themselves, too.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
