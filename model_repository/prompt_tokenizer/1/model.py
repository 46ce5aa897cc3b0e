"""INPUT text → INPUT_IDS, ATTENTION_MASK, TOKEN_COUNT, for Triton's Python backend.

The rules of the cut stand in services/triton/README.md; services/router-server/src/tokenizer-model.ts does the same
in TypeScript, and a test compares the two token by token.
"""

import json
import math
import os

import numpy as np
import triton_python_backend_utils as pb_utils
from tokenizers import Tokenizer


def read(data):
    """UTF-8 with the WHATWG rules of the other implementation: no byte order mark, U+FFFD for what is invalid."""
    return bytes(data).decode("utf-8-sig", errors="replace")


def cut_chars(text, limit):
    """First and last half of a text over the limit, and by how much the token count must be scaled for it."""
    if len(text) <= limit:
        return text, 1, 1
    half = limit // 2
    return f"{text[:half]} {text[-half:]}", 2 * half + 1, len(text)


def cut_ids(ids, limit):
    """<s> head tail </s>: the first floor and last ceil half of the inner tokens."""
    if len(ids) <= limit:
        return ids
    inner = limit - 2
    head = inner // 2
    return ids[: 1 + head] + ids[len(ids) - 1 - (inner - head):]


class TritonPythonModel:
    def initialize(self, args):
        parameters = {key: value["string_value"] for key, value in json.loads(args["model_config"]).get("parameters", {}).items()}
        folder = os.path.join(args["model_repository"], args["model_version"])
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.max_tokens = int(parameters.get("max_tokens", 256))
        self.max_chars = int(parameters.get("max_chars", 16384))
        listed = [int(n) for n in parameters.get("pad_to", "").split(",") if n.strip()]
        self.lengths = sorted(n for n in listed if n < self.max_tokens) + [self.max_tokens]

    def execute(self, requests):
        rows = [pb_utils.get_input_tensor_by_name(request, "INPUT").as_numpy().reshape(-1) for request in requests]
        texts = [cut_chars(read(text), self.max_chars) for row in rows for text in row]
        encoded = self.tokenizer.encode_batch([text for text, _, _ in texts])
        ids = [cut_ids(item.ids, self.max_tokens) for item in encoded]
        counts = [math.ceil(len(item.ids) * whole / kept) for item, (_, kept, whole) in zip(encoded, texts)]
        responses, at = [], 0
        for row in rows:
            end = at + len(row)
            responses.append(self.response(ids[at:end], counts[at:end]))
            at = end
        return responses

    def response(self, ids, counts):
        """Each request is padded by itself, to a length that others of its kind have too."""
        longest = max(len(own) for own in ids)
        length = next(n for n in self.lengths if n >= longest)
        padded = np.zeros((len(ids), length), np.int64)
        mask = np.zeros((len(ids), length), np.int64)
        for index, own in enumerate(ids):
            padded[index, : len(own)] = own
            mask[index, : len(own)] = 1
        return pb_utils.InferenceResponse(
            output_tensors=[
                pb_utils.Tensor("INPUT_IDS", padded),
                pb_utils.Tensor("ATTENTION_MASK", mask),
                pb_utils.Tensor("TOKEN_COUNT", np.array(counts, np.int32).reshape(-1, 1)),
            ]
        )
