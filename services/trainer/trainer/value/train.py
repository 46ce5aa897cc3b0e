"""`value:train`: a head with one output per target, where the data prove that choosing by prompt pays."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from .. import policy, policy_config
from ..repository import fingerprint_of
from ..rows import BadData
from . import candidates, embed, folds, general, line, log, prices, read, recommend, report, spend, study, verdict, write
from .crossfit import Known
from .outcomes import Outcomes
from .spend import Price
from .stanza import ValueStanza

FOLDS = (2, 20)
CACHE = "value-embeddings"


def main(arguments, command=None) -> int:
    """The command: exit code 2 and a message on stderr for what the user can mend."""

    def say(message: str) -> None:
        print(message, file=sys.stderr if arguments.json else sys.stdout, flush=True)

    try:
        made = (command or run)(arguments, say)
    except BadData as error:
        print(f"value: {error}\nNothing was changed.", file=sys.stderr)
        return 2
    if arguments.json:
        print(line.text(made), flush=True)
    return 0


def gathered(arguments) -> tuple[Outcomes, np.ndarray | None]:
    """An evaluation file, or a router's own log, and then the embeddings that it has. Raises BadData."""
    logs = getattr(arguments, "log", [])
    if bool(logs) == bool(arguments.data):
        raise BadData("want --data FILE (scored answers), or --log FILE (a router's decision log with feedback)" if not logs else "want --data or --log, not both")
    if not logs:
        return read.read(Path(arguments.data), arguments.group), None
    encoder = fingerprint_of(Path(arguments.repository))
    return log.read([Path(path) for path in logs], [Path(path) for path in arguments.feedback], arguments.policy_of or arguments.name, encoder or "")


def checked(arguments) -> tuple[Outcomes, dict[str, Price], np.ndarray | None]:
    """The data with costs, the prices that are known, and embeddings where the data have them. Raises BadData."""
    if not FOLDS[0] <= arguments.folds <= FOLDS[1]:
        raise BadData(f"--folds {arguments.folds}: want {FOLDS[0]} to {FOLDS[1]}; 5 is usual")
    for option in ("keep", "budget"):
        share = getattr(arguments, option)
        if share is not None and not 0 < share <= 1:
            raise BadData(f"--{option} {share:g}: want a share of the best target's {'quality' if option == 'keep' else 'cost'}, above 0 and up to 1")
    for path in arguments.report:
        report.check(Path(path))
    data, x = gathered(arguments)
    units = len(set(folds.twins(data.prompts).tolist()))
    if units < folds.LEAST_UNITS:
        raise BadData(
            f"{len(data.prompts):,} prompts, of which {units} differ in more than numbers, case and punctuation; below {folds.LEAST_UNITS} nothing can be "
            "told, because such prompts must be held back together. Score prompts of more kinds")
    known = prices.by_name(data.targets, prices.listed())
    if arguments.prices:
        known |= prices.by_name(data.targets, prices.read(Path(arguments.prices)))
    for text in arguments.config_price + arguments.price:
        name, _, numbers = text.rpartition("=")
        if name not in data.targets and numbers.count(",") and text in arguments.price:
            raise BadData(f"--price {text}: the data have no target '{name}'; there: {', '.join(data.targets)}")
        try:
            known[name] = Price(*(float(part) for part in numbers.split(",")))
        except (TypeError, ValueError):
            raise BadData(f"--price {text}: want TARGET=INPUT,OUTPUT in USD a million tokens, 0 or above") from None
    return spend.priced(data, known), known, x


def studied(arguments, data: Outcomes, say, only: str | None = None, x: np.ndarray | None = None):
    """(study, embeddings, label head). x: embeddings, where they are known."""
    repository = Path(arguments.repository)
    cache = Path(arguments.work).parent / CACHE
    for note in data.notes:
        say(f"note: {note}")
    with threadpool_limits(1):  # few and small products: threads would wait for each other
        x = embed.embeddings(repository, data.prompts, cache, say) if x is None else x
        if only is None:
            labels = candidates.labels_of(repository, arguments.policy, x.shape[1])
        else:
            labels = candidates.labels_for(repository, arguments.policy, data.prompts, x, say)
            if labels is None:
                raise BadData(f"--policy {arguments.policy}: its head in {repository} was made for another encoder; make it again with policy:train")
        # A table by label has no say in what is unfamiliar.
        known = Known(labels, embed.embeddings(repository, general.prompts(), cache, say) if only is None else None, trusting=only is None)
        return study.run(data, x, known, folds_count=arguments.folds, seed=arguments.seed, only=only, log=say), x, labels


def chosen_setting(arguments, made: study.Study) -> recommend.Setting:
    """What --budget or --keep ask for, else the balanced point."""
    if arguments.budget is not None:
        return recommend.setting(made, spend=arguments.budget)
    return recommend.setting(made, keep=recommend.POINTS["balanced"] if arguments.keep is None else arguments.keep)


def run(arguments, say) -> dict:
    """Everything; returns what --json prints."""
    begun = time.monotonic()
    repository = Path(arguments.repository)
    policy.check_name(arguments.name, repository, arguments.replace)
    data, known, x = checked(arguments)
    say(f"{len(data.prompts):,} prompts, {len(data.targets)} targets" + (f", {len(set(data.groups))} groups" if data.groups else ""))
    # A file that the stanza can't be added to is refused before minutes of work.
    config = Path(arguments.config) if arguments.config and not arguments.dry_run else None
    if config is not None:
        policy_config.check(config, ValueStanza(arguments.name, data.targets, data.targets[0], recommend.Setting(0, 0, 0, 0), {}))
    made, x, labels = studied(arguments, data, say, x=x)
    said = verdict.of(made)
    choose = chosen_setting(arguments, made)
    stanza = ValueStanza(arguments.name, data.targets, said.use, choose, recommend.points(made))
    whole = report.build(arguments.name, made, said, choose)
    say(report.text(whole))
    for path in arguments.report:
        report.write(Path(path), whole)
        say(f"wrote {path}")
    write_it = not arguments.dry_run and (said.routes or arguments.force)
    if write_it:
        tokens = spend.expected_tokens(data, known)
        with threadpool_limits(1):
            write.head(arguments.name, made, x, labels, tokens, repository, arguments.seed)
        say(f"wrote {repository / (arguments.name + '_head')} and {repository / (arguments.name + '_ensemble')} after {time.monotonic() - begun:.0f} s")
        if config is None:
            say(f"\nThe policy's stanza, for your configuration file:\n\n{stanza.text()}")
        else:
            say(policy_config.add(config, stanza))
    elif arguments.dry_run:
        say("Nothing was written (--dry-run).")
    else:
        say("Nothing was written; --force writes all the same.")
    return json.loads(line.text(line.summary(made, said, write_it)))
