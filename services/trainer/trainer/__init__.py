"""Trains, calibrates, exports and evaluates the router's classifiers."""

import os

# onnxruntime from 1.29 on tells its maker about the machine, unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
