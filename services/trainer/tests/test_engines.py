"""The same step in both engines. Collected where torch is installed, which training does not need."""

import numpy as np
import pytest
import torch

from trainer import batches, engine_jax, engine_torch, loss
from tests.test_train import a_batch, params, whole  # noqa: F401


def test_both_engines_take_the_same_step(params, monkeypatch):
    for module in (engine_jax, engine_torch, loss):
        monkeypatch.setattr(module, "DROPOUT", 0.0)
    first, second = engine_jax.Engine(whole(params), 0), engine_torch.Engine(whole(params), 0)
    second.kind = torch.float32
    batch = a_batch()
    batch.target["complexity"][2] = batches.EVEN
    np.testing.assert_allclose(first.embeddings(batch.ids, batch.mask), second.embeddings(batch.ids, batch.mask), atol=2e-5)
    for _ in range(3):
        assert first.step(batch, 1e-3, 1e-3) == pytest.approx(second.step(batch, 1e-3, 1e-3), rel=1e-4)
    was = whole(params)
    theirs = second.weights()
    for name, value in first.weights().items():
        moved = np.linalg.norm(value - was[name])
        if name.endswith("key.bias"):
            continue  # Attention does not feel it: its gradient is nothing but rounding.
        # Adam's first steps go by a gradient's sign: single numbers near zero may go either way.
        assert np.linalg.norm(theirs[name] - value) <= 0.03 * moved, name
        assert (moved == 0) == name.startswith("embeddings.")
