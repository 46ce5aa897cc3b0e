"""Triton's `onnxruntime` backend for machines without the native one: a Python-based backend over the onnxruntime package.

Triton looks a backend up by the name in `config.pbtxt`. Because this one is called onnxruntime too, the same model
repository runs here from the wheel, and on the stock GPU images with their native backend.

Requests of one execute() call are joined along the batch dimension where their shapes agree, run once, and split again. Only
the outputs that any of them asks for leave onnxruntime.
"""

import json
import os

# Before onnxruntime is loaded: from 1.29 on it tells its maker about the machine unless this is set.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(auto_complete_model_config):
        """Nothing is guessed: config.pbtxt says all."""
        return auto_complete_model_config

    def initialize(self, args):
        config = json.loads(args["model_config"])
        folder = os.path.join(args["model_repository"], args["model_version"])
        path = os.path.join(folder, config.get("default_model_filename") or "model.onnx")
        options = onnxruntime.SessionOptions()
        parameters = config.get("parameters", {})
        threads = parameters.get("intra_op_thread_count", {}).get("string_value") or os.environ.get("ORT_THREADS")
        options.intra_op_num_threads = int(threads) if threads else min(4, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        # Waiting threads would burn the cores that the other steps need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = [item["name"] for item in config["input"]]
        self.outputs = [item["name"] for item in config["output"]]
        self.types = {item["name"]: pb_utils.triton_string_to_numpy(item["data_type"]) for item in config["output"]}
        known = {item.name for item in self.session.get_outputs()}
        missing = [name for name in self.outputs if name not in known]
        if missing:
            raise pb_utils.TritonModelException(f"{path} has no output {', '.join(missing)}; it has {', '.join(sorted(known))}")

    def execute(self, requests):
        responses = [None] * len(requests)
        groups = {}
        for index, request in enumerate(requests):
            try:
                arrays = [pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs]
            except Exception as error:  # one bad request must not fail the others of its batch
                responses[index] = self.failed(error)
                continue
            key = tuple((array.dtype.str, array.shape[1:]) for array in arrays)
            asked = set(request.requested_output_names())
            groups.setdefault(key, []).append((index, arrays, [name for name in self.outputs if name in asked]))
        for members in groups.values():
            self.run(members, responses)
        return responses

    def run(self, members, responses):
        """Runs requests of equal shape as one batch and puts each one's rows into its response."""
        try:
            joined = [np.concatenate(parts) for parts in zip(*(arrays for _, arrays, _ in members))]
            wanted = {name for _, _, asked in members for name in asked}
            outputs = [name for name in self.outputs if name in wanted]
            results = dict(zip(outputs, self.session.run(outputs, dict(zip(self.inputs, joined)))))
        except Exception as error:
            if len(members) == 1:
                responses[members[0][0]] = self.failed(error)
            else:  # alone, so that only the one at fault fails
                for member in members:
                    self.run([member], responses)
            return
        at = 0
        for index, arrays, asked in members:
            end = at + arrays[0].shape[0]
            tensors = [
                pb_utils.Tensor(name, np.ascontiguousarray(results[name][at:end]).astype(self.types[name], copy=False))
                for name in asked
            ]
            responses[index] = pb_utils.InferenceResponse(output_tensors=tensors)
            at = end

    @staticmethod
    def failed(error):
        return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(f"{type(error).__name__}: {error}"))
