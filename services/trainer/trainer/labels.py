"""The labels, in the order of v1's models (index = position)."""

TASK = (
    "Brainstorming", "Chatbot", "Classification", "Closed QA", "Code Generation", "Extraction",
    "Open QA", "Other", "Rewrite", "Summarization", "Text Generation", "Unknown",
)
COMPLEXITY = (
    "Creativity", "Reasoning", "Contextual-Knowledge", "Few-Shot", "Domain-Knowledge", "No-Label-Reason", "Constraint",
)

HEADS = {"task": TASK, "complexity": COMPLEXITY}
"""Column of the data → labels. Intent's labels come from the data (Banking77)."""

POLICIES = {"task": "task_router", "complexity": "complexity_router", "intent": "intent_router"}
"""Column of the data → policy name in the model repository."""
