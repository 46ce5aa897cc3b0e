"""The step of `own_layers` in PyTorch, where it is installed and products of bfloat16 are in the hardware: a third of NumPy's time.

The same network, loss and rounding; its weights are NumPy's own memory. torch is optional, and no part of the requirements (it brings gigabytes).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from . import own_layers
from .own_layers import Arrays
from .quantize import LOWEST_GELU, STEPS
from .shape import EPSILON, HEADS, WIDTH

SIZE = WIDTH // HEADS
KIND = torch.bfloat16


class _Rounded(torch.autograd.Function):
    """Activations as int8 holds them, one scale for each token; the gradient passes as if nothing was rounded."""

    @staticmethod
    def forward(_context, x: torch.Tensor, is_gelu: bool) -> torch.Tensor:
        bound = x.amax(-1, keepdim=True).clamp_min(LOWEST_GELU) if is_gelu else x.abs().amax(-1, keepdim=True).clamp_min(1e-9)
        step = bound / STEPS
        return (x / step).round_().mul_(step)

    @staticmethod
    def backward(_context, grad: torch.Tensor):
        return grad, None


def gradients(
    weights: Arrays, states: np.ndarray, mask: np.ndarray, wanted: np.ndarray, of: int, stays: np.ndarray,
) -> tuple[float, Arrays, np.ndarray]:
    """Loss of some rows of a step of `of` rows, its gradients, and that of the states.

    weights: as `own_layers.rounded_weights` gives them; states [rows, tokens, WIDTH], mask [rows, tokens], wanted [rows, labels] (shares of
    labels), stays [rows, EMBEDDING] (what dropout multiplies with).
    """
    used = {name: torch.from_numpy(value).requires_grad_() for name, value in weights.items()}
    x = given = torch.from_numpy(states).requires_grad_()
    seen = torch.from_numpy(np.ascontiguousarray(mask, np.float32))
    rows, tokens, _ = x.shape
    hidden = None if bool(seen.all()) else ((1 - seen) * -1e9)[:, None, None, :]

    def linear(y: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(y.to(KIND), used[f"{name}.weight"].to(KIND).t(), used[f"{name}.bias"].to(KIND)).float()

    def norm(y: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(y, (WIDTH,), used[f"{name}.weight"], used[f"{name}.bias"], EPSILON)

    for at in own_layers.layers(weights):
        query, key, value = linear(_Rounded.apply(x, False), f"{at}.qkv").view(rows, tokens, 3, HEADS, SIZE).permute(2, 0, 3, 1, 4).to(KIND)
        scores = ((query * SIZE**-0.5) @ key.transpose(-1, -2)).float()
        if hidden is not None:
            scores = scores + hidden
        attended = (scores.softmax(-1).to(KIND) @ value).transpose(1, 2).reshape(rows, tokens, WIDTH).float()
        x = norm(x + linear(_Rounded.apply(attended, False), f"{at}.dense"), f"{at}.attended")
        gelu = F.gelu(linear(_Rounded.apply(x, False), f"{at}.wide"))
        x = norm(x + linear(_Rounded.apply(gelu, True), f"{at}.narrow"), f"{at}.out")
    mean = (x * seen[:, :, None]).sum(1) / seen.sum(1, keepdim=True)
    embedding = torch.cat([mean, x[:, 0]], -1) * torch.from_numpy(stays)
    logits = embedding @ used["head.weight"] + used["head.bias"]
    loss = -(torch.from_numpy(wanted) * logits.log_softmax(-1)).sum() / of
    names = list(used)
    *found, slope = torch.autograd.grad(loss, [*(used[name] for name in names), given])
    grads = dict(zip(names, found))
    for at in own_layers.layers(weights):
        grads[f"{at}.qkv.bias"][WIDTH:] = 0
    return float(loss.detach()), {name: grad.numpy() for name, grad in grads.items()}, slope.numpy()


def is_fast() -> bool:
    """Whether it is worth taking: bfloat16 products in hardware (Sapphire Rapids, Zen 4)."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
