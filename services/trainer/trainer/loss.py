"""What both training engines must agree on."""

HEAD_WEIGHT = {"task": 1.0, "complexity": 1.0, "intent": 0.4}
"""Weight of a head's loss; 1 where none is named."""

SMOOTHING = 0.08
DROPOUT = 0.1
"""Of the embedding. The layers have none: with their weights averaged it brings little, and drawing it costs a tenth of a step."""
CLIP = 1.0
WEIGHT_DECAY = 0.01


def is_frozen(name: str) -> bool:
    """Word vectors stay as pretrained: words that training never shows keep their place among those that it does."""
    return name.startswith("embeddings.")


def ema_decay(done: int) -> float:
    """Of the averaged weights, after so many steps."""
    return min(0.998, (1 + done) / (10 + done))
