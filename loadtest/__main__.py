"""`python -m loadtest run --minutes 5`: see README.md. Exit code 0 only if nothing leaked and nothing went wrong."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.processes import BenchError
from loadtest.phases import SHAPES
from loadtest.report import summary, write
from loadtest.run import Plan, run

_HTML = Path("dist/loadtest.html")
_USUAL = Plan(seconds=0)


def main() -> int:
    options = _parser().parse_args()
    plan = Plan(
        seconds=60 * options.minutes,
        users=options.users,
        workers=options.workers,
        upstream=options.upstream,
        shape="soak" if options.soak else options.shape,
        chaos=options.chaos,
        seed=options.seed,
        policy=options.policy,
        swap=options.swap,
    )
    try:
        outcome = run(plan, _say)
    except BenchError as error:
        _say(str(error))
        return 1
    options.html.parent.mkdir(parents=True, exist_ok=True)
    write(options.html, plan, outcome)
    print(summary(outcome))
    print(f"The report: {options.html}")
    return 1 if outcome.failures() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtest")
    one = parser.add_subparsers(required=True).add_parser("run", help="start everything, and let the users come")
    one.add_argument("--minutes", type=float, required=True, help="how long users come; parts of a minute are allowed")
    one.add_argument("--users", type=int, default=_USUAL.users, help="at a time, all kinds together")
    one.add_argument("--workers", type=int, default=_USUAL.workers, help="processes that users live in")
    one.add_argument("--upstream", choices=("fast", "tiny-llama"), default="fast", help="a mock, or a real vLLM")
    one.add_argument("--shape", choices=SHAPES, default="all", help="how many users there are over time")
    one.add_argument("--soak", action="store_true", help="the same number of users all the time: --shape soak")
    one.add_argument("--chaos", action="store_true", help="kill Redis, the model and workers at random times")
    one.add_argument("--html", type=Path, default=_HTML, help="where the report goes")
    one.add_argument("--seed", type=int, default=_USUAL.seed, help="of people and chaos")
    one.add_argument("--policy", type=Path, default=_USUAL.policy, help="another policy, for controls")
    one.add_argument("--swap", action="store_true", help="a model that mixes up its users, for controls")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
