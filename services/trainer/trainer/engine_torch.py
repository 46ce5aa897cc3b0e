"""The training step in PyTorch: bfloat16 products on CPUs that have them, which take half the time of JAX's, or a GPU.

The same network, loss and rates as `engine_jax`; torch is optional, and no part of the requirements (it brings gigabytes).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from .batches import EVEN, Batch
from .loss import CLIP, DROPOUT, HEAD_WEIGHT, SMOOTHING, WEIGHT_DECAY, ema_decay, is_frozen
from .shape import EPSILON, HEADS, WIDTH, layers_of

Tensors = dict[str, torch.Tensor]


def embed(params: Tensors, ids: torch.Tensor, mask: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """[rows, tokens] ids and mask → [rows, EMBEDDING] float32; layers run in `kind`."""
    rows, tokens = ids.shape
    with torch.no_grad():
        x = params["embeddings.word_embeddings.weight"][ids] + params["embeddings.position_embeddings.weight"][:tokens]
        x = F.layer_norm(x + params["embeddings.token_type_embeddings.weight"][0], (WIDTH,), params["embeddings.LayerNorm.weight"],
                         params["embeddings.LayerNorm.bias"], EPSILON).to(kind)
    hidden = None if bool(mask.all()) else (mask[:, None, None, :] == 0)
    small: Tensors = {name: value.to(kind) for name, value in params.items() if name.startswith("encoder.")}

    def norm(y: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(y, (WIDTH,), small[f"{name}.weight"], small[f"{name}.bias"], EPSILON)

    def linear(y: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(y, small[f"{name}.weight"], small[f"{name}.bias"])

    for layer in range(layers_of(params)):
        at = f"encoder.layer.{layer}"
        names = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        joined = F.linear(x, torch.cat([small[f"{n}.weight"] for n in names]), torch.cat([small[f"{n}.bias"] for n in names]))
        query, key, value = joined.view(rows, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        # Written out: the fused kernel's backward pass takes a third of a whole step on a CPU.
        scores = (query * (WIDTH // HEADS) ** -0.5) @ key.transpose(-1, -2)
        if hidden is not None:
            scores = scores.masked_fill(hidden, -1e9)
        attended = (scores.softmax(-1) @ value).transpose(1, 2).reshape(rows, tokens, WIDTH)
        x = norm(x + linear(attended, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        wide = F.gelu(linear(x, f"{at}.intermediate.dense"))
        x = norm(x + linear(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")

    weight = mask[:, :, None].to(torch.float32)
    x = x.to(torch.float32)
    mean = (x * weight).sum(1) / weight.sum(1).clamp(min=1)
    return torch.cat([mean, x[:, 0]], -1)


class Engine:
    """Weights, their running average and AdamW's moments."""

    fixed_shapes = False
    """Batches may have any length: nothing is compiled."""

    def __init__(self, params: dict[str, np.ndarray], seed: int) -> None:
        torch.manual_seed(seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.kind = torch.bfloat16 if _has_bfloat16() else torch.float32
        put = {name: torch.from_numpy(np.array(value, np.float32)).to(self.device) for name, value in params.items()}
        self.frozen = {name: value for name, value in put.items() if is_frozen(name)}
        self.params = {name: value.requires_grad_() for name, value in put.items() if not is_frozen(name)}
        self.average = {name: value.detach().clone() for name, value in self.params.items()}
        body = [value for name, value in self.params.items() if not name.startswith("head.")]
        head = [value for name, value in self.params.items() if name.startswith("head.")]
        self.optimizer = torch.optim.AdamW([{"params": body}, {"params": head}], weight_decay=WEIGHT_DECAY, fused=True)
        self.done = 0

    def step(self, batch: Batch, body_rate: float, head_rate: float) -> float:
        """One update at these rates. @returns the loss before it."""
        for group, rate in zip(self.optimizer.param_groups, (body_rate, head_rate)):
            group["lr"] = rate
        embedding = self.embed(batch.ids, batch.mask, self.params)
        embedding = F.dropout(embedding, DROPOUT)
        total = torch.zeros((), device=self.device)
        for column, gold in batch.target.items():
            logits = F.linear(embedding, self.params[f"head.{column}.weight"], self.params[f"head.{column}.bias"])
            named = self._put(gold).long()
            losses = F.cross_entropy(logits, named.clamp(min=0), reduction="none", label_smoothing=SMOOTHING)
            losses = torch.where(named == EVEN, -logits.log_softmax(-1).mean(-1), losses)
            total = total + HEAD_WEIGHT.get(column, 1.0) * (losses * self._put(batch.weight[column])).sum() / len(gold)
        total = total + self.beside()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(list(self.params.values()), CLIP)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.params.values()), 1 - ema_decay(self.done))
        self.done += 1
        return float(total.detach())

    def beside(self) -> torch.Tensor | float:
        """What a step's loss has besides the labels'; for those who train on something more."""
        return 0.0

    def embed(self, ids: np.ndarray, mask: np.ndarray, params: Tensors | None = None) -> torch.Tensor:
        return embed({**self.frozen, **(params or self.average)}, self._put(ids).long(), self._put(mask), self.kind)

    def embeddings(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """[rows, EMBEDDING] with the averaged weights."""
        with torch.inference_mode():
            return self.embed(ids, mask).cpu().numpy()

    def weights(self) -> dict[str, np.ndarray]:
        """The averaged weights, with what stayed frozen."""
        return {name: value.detach().cpu().numpy() for name, value in {**self.frozen, **self.average}.items()}

    def state(self) -> dict[str, np.ndarray]:
        """Everything that `restore` needs to go on, without the frozen part."""
        out = {"done": np.array(self.done)}
        for name, value in self.params.items():
            moments = self.optimizer.state.get(value, {})
            out |= {f"p:{name}": value, f"a:{name}": self.average[name]}
            out |= {f"{key}:{name}": moments[key] for key in ("exp_avg", "exp_avg_sq", "step") if key in moments}
        return {key: value.detach().cpu().numpy() if torch.is_tensor(value) else value for key, value in out.items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.done = int(state["done"])
        with torch.no_grad():
            for name, value in self.params.items():
                value.copy_(torch.from_numpy(state[f"p:{name}"]))
                self.average[name].copy_(torch.from_numpy(state[f"a:{name}"]))
                if f"step:{name}" in state:
                    moments = {key: torch.from_numpy(np.array(state[f"{key}:{name}"])) for key in ("exp_avg", "exp_avg_sq", "step")}
                    self.optimizer.state[value] = {key: m if key == "step" else m.to(self.device) for key, m in moments.items()}

    def _put(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


def _has_bfloat16() -> bool:
    """Whether products of bfloat16 are in the hardware: slower than float32 where they aren't."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
