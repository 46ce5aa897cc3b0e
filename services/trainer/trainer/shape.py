"""Sizes of MiniLM-L6 that graphs, heads and training share. Free of JAX, so that policy heads train without it."""

LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12
EMBEDDING = 2 * WIDTH
"""Mean of the tokens beside the first token: the mean tells the topic, the first token what is asked."""
