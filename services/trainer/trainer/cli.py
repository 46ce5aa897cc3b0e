"""`python -m trainer vocabulary|data|train|calibrate|export|precision|evaluate|fit-scores|fit-agents|scores|doubt|card|policy|value|fill|import-evals|convert`: one command for each step."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path

from .heartbeat import heartbeat

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / ".cache" / "train"


# Options that name files to read.
READ = ("data", "file", "log", "feedback", "prices", "config")


STOPPED = 130
"""Exit code of what Ctrl-C has ended, as shells tell it."""


def main(argv: list[str] | None = None) -> int:
    """Parses and runs one command; the exit code is for the shell."""
    arguments = parser().parse_args(argv)
    if arguments.check_arguments:
        return missing_files(arguments)
    try:
        with heartbeat():
            return arguments.run(arguments) or 0
    except KeyboardInterrupt:
        # Where it was is of no use to whoever pressed Ctrl-C.
        print(f"{arguments.command}: stopped", file=sys.stderr)
        return STOPPED


def missing_files(arguments: argparse.Namespace) -> int:
    """Tells each file to read that is not there; 0 when all are. Needs nothing installed."""
    given = [(name, getattr(arguments, name, None) or []) for name in READ]
    each = [(name, path) for name, paths in given for path in (paths if isinstance(paths, list) else [paths])]
    missing = [(name, path) for name, path in each if not Path(path).exists()]
    for name, path in missing:
        print(f"--{name} {path}: there is no such file", file=sys.stderr)
    return 1 if missing else 0


# Of the commands that people know as `llm-router …`.
EXAMPLES = {
    "policy": """Examples:
  $ llm-router policy train --name intents --data intents.csv --config router.yaml
      a policy `intents`, and its stanza in router.yaml
  $ llm-router policy train --name intents --data intents.jsonl --layers 0 --route refund=large
      a head alone, in seconds; one label goes to a target of its own""",
    "value": """Examples:
  $ llm-router value train --name auto --data scores.jsonl --config router.yaml
      a policy by what each target is worth; says when not to route
  $ llm-router value train --name auto --data scores.csv --dry-run --report report.html
      the study alone, as a page""",
    "fill": """Examples:
  $ llm-router value fill --policy task_router --data scores.jsonl --config router.yaml
      each label's best target, written into the table""",
    "import-evals": """Examples:
  $ llm-router value import --from prices --file models.json --out prices.json
      a price list for --prices
  $ llm-router value import --from routerbench --file routerbench.csv --out scores.jsonl
      scores for `value train`""",
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m trainer", description="Trains the router's classifiers.")
    top.add_argument("--check-arguments", action="store_true", help="only check the command line; exit code 0 when it is right")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=text, description=text, prog=os.environ.get("LLM_ROUTER_CALLED"),
            epilog=EXAMPLES.get(name), formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        sub.add_argument("--work", type=Path, default=WORK, help="folder for what lies between the steps (default: .cache/train)")
        sub.add_argument("--repository", type=Path, default=ROOT / "model_repository", help="Triton's model repository")
        sub.add_argument("--seed", type=int, default=0)
        return sub

    def shared(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data", help="folder with train.jsonl and eval.jsonl")

    vocabulary = command("vocabulary", lambda a: steps().vocabulary(a), "cuts the encoder's vocabulary: the repository's tokenizer.json")
    shared(vocabulary)
    vocabulary.add_argument("--pieces", type=int, default=80_000, help="pieces that stay (default: 80000)")
    data = command("data", lambda a: steps().data(a), "reads, mends and counts the labelled prompts")
    shared(data)
    data.add_argument("--bodies", type=Path, help="prompts made of the labelled request bodies by `npm run bodies`, to train on as well")
    train = command("train", lambda a: steps().train(a), "fine-tunes the encoder with all heads")
    shared(train)
    train.add_argument("--epochs", type=int, default=6)
    train.add_argument("--minutes", type=float, help="minutes of training instead of epochs, all starts together")
    train.add_argument("--rate", type=float, default=1.2e-4, help="peak learning rate of the encoder")
    train.add_argument("--start", type=Path, help="weights.npz of an earlier run, or a model repository, to begin with instead of the base encoder")
    train.add_argument("--limit", type=int, default=256, help="tokens of a prompt; a longer one keeps head and tail")
    train.add_argument("--engine", choices=("jax", "torch"), default="jax", help="torch is twice as fast on CPUs with bfloat16")
    for name, text in (
        ("own", "our own prompts"), ("bodies", "prompts made of request bodies"), ("shared", "the curated prompts"),
        ("intent", "Banking77's"), ("other-languages", "factor of our own that are not English"),
    ):
        train.add_argument(f"--share-{name}", type=float, default=argparse.SUPPRESS, help=f"how often an epoch sees {text}")
    calibrate = command("calibrate", lambda a: steps().calibrate(a), "fits each head's temperature on prompts held back from training, as the int8 graph reads them")
    shared(calibrate)
    command("export", lambda a: steps().export(a), "writes fp32, fp16 and int8 graphs and the model repository")
    precision = command("precision", lambda a: precision_main(a), "writes a repository's encoder anew as fp16 (for GPUs) or fp32, from the int8 graph that it holds")
    precision.add_argument("--to", choices=("fp16", "fp32"), required=True)
    evaluate = command("evaluate", lambda a: steps().evaluate(a), "figures of the repository's int8 models on labelled files")
    shared(evaluate)
    evaluate.add_argument("--file", type=Path, action="append", help="JSONL with prompt and labels (default: held-out set and eval.jsonl)")
    evaluate.add_argument("--bodies", type=Path, help="prompts made of held-out request bodies by `npm run bodies`, besides")
    evaluate.add_argument("--json", action="store_true", help="the last line is the figures as one JSON object: by file, head, label, language, kind")
    evaluate.add_argument("--graph", type=Path, help="another encoder graph, e.g. .cache/train/prompt_encoder.fp32.onnx")
    command("fit-scores", lambda a: steps().fit_scores(a), "fits the complexity head's SCORES to the ratings in data/own_ratings.jsonl")
    of_agents = command("fit-agents", lambda a: steps().fit_agents(a), "fits the temperature of agents' requests anew; the heads stay as they are")
    of_agents.add_argument("--bodies", type=Path, required=True, help="prompts that `npm run bodies` made of data/bodies/own")
    command("scores", lambda a: steps().scores(a), "rank correlations of the complexity scores with readers' ratings")
    doubt = command("doubt", lambda a: steps().doubt(a), "which signal tells wrong answers best, and how sure the heads are of noise")
    doubt.add_argument("--bodies", type=Path, help="prompts made of held-out request bodies by `npm run bodies`, besides")
    command("card", lambda a: steps().card(a), "writes MODEL_CARD.md and the confusion picture from the last evaluation")

    policy = command("policy", lambda a: policy_main(a), "trains a head of your own on the shared encoder")
    policy.add_argument("--name", required=True, help="policy name, e.g. intent_router")
    policy.add_argument("--data", required=True, help="CSV (header text,label) or JSONL of text and label, UTF-8")
    policy.add_argument("--config", help="configuration file to add the policy to (default: print the stanza)")
    policy.add_argument("--target", help="target that labels go to in the stanza (default: the file's first)")
    policy.add_argument("--route", action="append", default=[], metavar="LABEL=TARGET", help="another target for one label; may be repeated")
    policy.add_argument("--replace", action="store_true", help="allow the name of a policy that ships with the router")
    policy.add_argument("--layers", choices=("auto", "0", "2"), default="auto",
                        help="encoder layers of the policy's own: 0, a head alone (seconds); 2 (minutes); auto: 2 where a thousand texts or more are there and it pays on rows held back")

    value = command("value", lambda a: value_main(a), "trains a value policy: a head with one output per target, where that pays")
    value.add_argument("--name", required=True, help="policy name, e.g. auto")
    value_options(value, data_required=False)
    value.add_argument("--log", action="append", default=[], metavar="FILE", help="instead of --data: a decision log with embeddings and feedback; may be repeated")
    value.add_argument("--feedback", action="append", default=[], metavar="FILE", help="with --log: further scores, lines {request_id, score, source}; may be repeated")
    value.add_argument("--policy-of", metavar="NAME", help="with --log: the policy whose requests are learnt from (default: --name)")
    value.add_argument("--policy", default="task_router", help="label policy whose labels one of the predictors is by (default: task_router)")
    value.add_argument("--config", help="configuration file to add the policy to (default: print the stanza)")
    value.add_argument("--replace", action="store_true", help="allow the name of a policy that ships with the router")

    fill = command("fill", lambda a: fill_main(a), "finds the best target for each label of a policy")
    fill.add_argument("--policy", required=True, help="label policy to fill, e.g. task_router")
    value_options(fill)
    fill.add_argument("--config", help="configuration file whose table is changed (default: print it)")

    brought = command("import-evals", lambda a: import_main(a), "brings others' evaluations and price lists into our form")
    brought.add_argument("--from", dest="source", required=True, choices=("routellm", "routerbench", "notdiamond", "llmrouterbench", "prices"),
                         help="whose form; prices: LiteLLM's price file or OpenRouter's list of models")
    brought.add_argument("--file", required=True, action="append", help="what to read; may be repeated")
    brought.add_argument("--out", required=True, help="what to write: .csv or .jsonl; with prices .json")
    brought.add_argument("--date", default=datetime.date.today().isoformat(), help="day of the prices (default: today)")

    convert = command("convert", lambda a: convert_main(a), "brings nvidia/prompt-task-and-complexity-classifier into the repository's layout")
    convert.add_argument("--source", type=Path, required=True, help="folder with config.json, weights and tokenizer (Hugging Face layout)")
    convert.add_argument("--fp16", action="store_true", help="half precision, for GPUs")
    return top


def value_options(sub: argparse.ArgumentParser, data_required: bool = True) -> None:
    """What training and filling have in common."""
    sub.add_argument("--data", required=data_required, help="CSV or JSONL: prompt,target,score[,cost,input_tokens,output_tokens,group], or one row a prompt")
    sub.add_argument("--group", metavar="COLUMN", help="column of the kind of prompt; whole groups are left out to see what unlike prompts give (default: group)")
    sub.add_argument("--folds", type=int, default=5)
    sub.add_argument("--prices", help="prices for targets without costs: CSV name,input,output (USD a million tokens) or a price list in JSON")
    sub.add_argument("--price", action="append", default=[], metavar="TARGET=IN,OUT", help="the same of one target; may be repeated")
    # Of the router's configuration, whose targets need not all be in the data; the command line reads them.
    sub.add_argument("--config-price", action="append", default=[], help=argparse.SUPPRESS)
    sub.add_argument("--keep", type=float, help="choose the cheapest setting that keeps this share of the best target's quality (default: .98)")
    sub.add_argument("--budget", type=float, metavar="SHARE", help="choose the best setting that costs this share of the best target at most")
    sub.add_argument("--report", action="append", default=[], metavar="FILE", help="write the report: .html, .json, .txt, or .svg (the curve alone); may be repeated")
    sub.add_argument("--dry-run", action="store_true", help="study and report, write nothing")
    sub.add_argument("--force", action="store_true", help="write although the verdict is not to route")
    sub.add_argument("--json", action="store_true", help="end with one JSON line; all else goes to standard error")


def value_main(arguments) -> int:
    from .value import train

    return train.main(arguments)


def import_main(arguments) -> int:
    from .value import import_evals

    return import_evals.main(arguments)


def fill_main(arguments) -> int:
    from .value import fill

    return fill.main(arguments)


def steps():
    """Imported late: `policy` must run where JAX is not installed."""
    from . import steps as module

    return module


def policy_main(arguments) -> int:
    from . import policy

    return policy.main(arguments)


def precision_main(arguments) -> int:
    from . import precision

    return precision.main(arguments)


def convert_main(arguments) -> int:
    from . import nvidia_convert

    return nvidia_convert.main(arguments)
