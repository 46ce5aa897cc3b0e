"""The head that was chosen, fitted on all rows, and written into the model repository."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np

from .. import repository as models
from . import candidates, graph
from .calibration import Calibrated
from .candidates import Labels
from .parts import means
from .study import Study


def head(name: str, study: Study, x: np.ndarray, labels: Labels | None, tokens: np.ndarray, repository: Path, seed: int) -> Calibrated:
    """Writes NAME_head, NAME_details, NAME_ensemble. Returns what was fitted."""
    part = candidates.fit(x, study.data.score, labels, seed, study.data.weight, study.held.shares)[study.predictor]
    fitted = Calibrated(part, *study.held.mixes[study.predictor], means(study.data.score, study.data.weight))
    like = study.held.measure
    targets = study.data.targets
    models.write_head(
        repository, name, targets, x.shape[1], lambda path: graph.export(fitted, like, tokens, repository, path),
        scores=("familiarity", *(f"output_tokens/{target}" for target in targets)),
        embedding=True, version=models.next_version(repository, name), parameters={
            "kind": "value", "predictor": study.predictor,
            "trained_at": datetime.date.today().isoformat(), "rows": str(len(study.data.prompts)),
        },
    )
    return fitted
