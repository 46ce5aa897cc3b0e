"""Mends labels that contradict their own prompt, and adds the weak labels that follow from a row's source.

Dolly's categories are noisy between Summarization, Closed QA and Extraction: the cue words of the instruction decide.
An instruction that fits none of the three keeps no task label.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .data import Row

NOISY = ("dolly/summarization", "dolly/information_extraction", "dolly/closed_qa")

SUMMARY = re.compile(
    r"\b(summar\w+|tl;?dr|recap|in (?:a|one|two|three|\d+|a few) (?:short )?(?:sentence|line|bullet|word)s?|"
    r"main (?:point|idea)s?|key (?:point|takeaway)s?|brief(?:ly)?|shorten|condense|gist|overview|synopsis)\b", re.I)
EXTRACT = re.compile(
    r"\b(extract|list (?:all|out|the|down|every)|(?:make|create|provide|give me) a (?:bulleted |numbered |comma.separated )?list|"
    r"identify (?:all|the)|find (?:all|the|every)|pull (?:out)?|comma.separated|name (?:all|the|every)|bulleted)\b", re.I)
QUESTION = re.compile(
    r"^(?:given|based|from|according|using)?[^?]{0,120}?\b(who|what|when|where|why|how|which|whose|did|does|do|is|are|was|were|can|has|have)\b",
    re.I)


def instruction_of(prompt: str) -> str:
    """The request in a prompt with pasted text: its first and last short paragraphs."""
    parts = [part.strip() for part in re.split(r"\n+", prompt) if part.strip()]
    if not parts:
        return ""
    ends = {0: parts[0], len(parts) - 1: parts[-1]}
    short = [text for text in ends.values() if len(text) <= 240]
    if short:
        return "\n".join(short)
    sentences = re.split(r"(?<=[.?!:])\s+", prompt.strip())
    return f"{sentences[0][:240]}\n{sentences[-1][-240:]}"


def task_by_cue(prompt: str) -> str | None:
    """Summarization, Extraction or Closed QA by the words of the instruction; None when they don't tell."""
    instruction = instruction_of(prompt)
    if SUMMARY.search(instruction):
        return "Summarization"
    if EXTRACT.search(instruction):
        return "Extraction"
    if "?" in instruction or QUESTION.match(instruction):
        return "Closed QA"
    return None


CONSTRAINT = re.compile(
    r"\b(?:exactly|at (?:most|least)|no more than|fewer than|less than|under) (?:\w+ )?(?:words?|sentences?|bullets?|lines?|paragraphs?|characters)\b|"
    r"\b(?:in|with|using) (?:one|two|three|four|five|six|\d+) (?:words?|sentences?|bullets?|lines?|paragraphs?)\b|"
    r"\bwithout (?:using|mentioning)\b|\bonly use\b|\bhaiku\b|\blimerick\b|\bcomma.separated\b|\bin json\b", re.I)

ROUTINE_TASKS = ("Summarization", "Extraction", "Closed QA", "Rewrite")


def weak_complexity(row: Row) -> str | None:
    """What a row's source says of its complexity when nobody labelled it."""
    source = row.source
    if CONSTRAINT.search(instruction_of(row.prompt)):
        return None
    if source in ("dolly/open_qa", "dolly/general_qa"):
        return "Domain-Knowledge"
    if source in ("dolly/creative_writing", "self-authored-writing"):
        return "Creativity"
    if source == "synthetic-gibberish":
        return "No-Label-Reason"
    if row.task in ROUTINE_TASKS and len(row.prompt) > 160:
        return "No-Label-Reason"
    if row.task == "Chatbot" and source.startswith("clinc150/"):
        return "No-Label-Reason"
    return None


def is_noisy(row: Row) -> bool:
    """Whether its source's task labels are."""
    return row.source.split("#")[0] in NOISY and row.task is not None


def task_of(row: Row) -> str | None:
    """The task label, mended where its source's are noisy."""
    return task_by_cue(row.prompt) if is_noisy(row) else row.task


def clean(rows: list[Row]) -> list[Row]:
    """Relabels noisy rows, adds weak complexity labels, drops rows that end without any label."""
    out = []
    for row in rows:
        task = task_of(row)
        complexity = row.complexity or (weak_complexity(row) if row.intent is None else None)
        weight = row.weight if row.complexity or row.task is None or not complexity else row.weight * 0.6
        if task or complexity or row.intent:
            out.append(replace(row, task=task, complexity=complexity, weight=weight))
    return out
