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


def test_own_layers_have_the_same_gradients_in_both(monkeypatch):
    from trainer import own_layers, own_layers_torch, shape

    monkeypatch.setattr(own_layers_torch, "KIND", torch.float32)
    rng = np.random.default_rng(0)
    width, wide = shape.WIDTH, 4 * shape.WIDTH
    weights = {"head.weight": rng.normal(size=(shape.EMBEDDING, 5)), "head.bias": rng.normal(size=5)}
    for at in (6, 7):
        for name, size in (("qkv", (width, 3 * width)), ("dense", (width, width)), ("wide", (width, wide)), ("narrow", (wide, width))):
            weights |= {f"{at}.{name}.weight": rng.normal(0, 0.05, size), f"{at}.{name}.bias": rng.normal(0, 0.05, size[1])}
        for name in ("attended", "out"):
            weights |= {f"{at}.{name}.weight": rng.normal(1, 0.1, width), f"{at}.{name}.bias": rng.normal(0, 0.1, width)}
    weights = own_layers.rounded_weights({name: value.astype(np.float32) for name, value in weights.items()})
    mask = np.ones((3, 7), np.float32)
    mask[1, 4:] = 0
    given = (rng.normal(size=(3, 7, width)).astype(np.float32), mask, rng.dirichlet(np.ones(5), 3).astype(np.float32), 3, np.ones((3, shape.EMBEDDING), np.float32))
    (loss_, mine, slope), (other_loss, theirs, other_slope) = own_layers.gradients(weights, *given), own_layers_torch.gradients(weights, *given)
    assert loss_ == pytest.approx(other_loss, rel=1e-3)
    for name, value in (mine | {"states": slope}).items():
        # A rounding falls the other way here and there.
        other = other_slope if name == "states" else theirs[name]
        assert np.linalg.norm(value - other) <= 0.03 * np.linalg.norm(other), name
