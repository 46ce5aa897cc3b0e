"""Sizes of the encoder (the first layers of multilingual-e5-small) that graphs, heads and training share. Free of JAX, so that policy heads train without it."""

LAYERS, HEADS, WIDTH, EPSILON = 8, 12, 384, 1e-12
EMBEDDING = 2 * WIDTH
"""Mean of the tokens beside the first token: the mean tells the topic, the first token what is asked."""
OWN_LAYERS = 2
"""How many of the last layers a policy may bring of its own, on the encoder's HIDDEN_STATES (the states before these layers)."""


def layers_of(params: dict) -> int:
    """How many layers these weights have, by their Hugging Face names."""
    return len({name.split(".")[2] for name in params if name.startswith("encoder.layer.")})
