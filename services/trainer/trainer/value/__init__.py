"""Policies that evaluation data fills: which target's answer is good enough for a prompt, and at what cost."""
