"""`python -m chaos.deterministic`: random schedules from seeds, and a crash at every point of a story.

make chaos ARGS="deterministic"                     60 seeds
make chaos ARGS="crash-points"                      a sample of crash points
make chaos ARGS="deterministic --seed 17"           one seed again; prints its event log
make chaos ARGS="crash-points --crash-at 203"       the story again with the crash at that point
make chaos ARGS="deterministic --seeds 10000 --crashes all --pairs all"

The same seed at the same commit gives the same event log, byte for byte.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "chaos " * 10,
    "FIELD_ENCRYPTION_KEYS": "chaos",
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.deterministic",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--result", type=Path, help="write what was found here, as JSON")
    parser.add_argument("--seed", type=int, help="play this seed only, and print its event log")
    parser.add_argument("--log", type=Path, help="write the event log here instead")
    parser.add_argument("--crash-at", metavar="N[,M]", help="only the story with these crashes")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seeds", type=int, default=60, help="how many seeds (default 60)")
    parser.add_argument("--operations", type=int, default=100, help="of each seed (default 100)")
    parser.add_argument("--crashes", type=_count, default=150, help="crash points, or all")
    parser.add_argument("--pairs", type=_count, default=15, help="pairs of crash points, or all")
    return parser.parse_args(arguments)


def _count(text: str) -> int | None:
    return None if text == "all" else int(text)


def main() -> int:
    """Set Django up, then run what was asked for."""
    options = parse()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a run
        os.environ["PYTHONHASHSEED"] = "0"
        again = [sys.executable, "-m", "chaos.deterministic", *sys.argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606 - this very program
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import django

    django.setup()
    logging.disable(logging.CRITICAL)  # thousands of failures that were made on purpose
    from chaos.deterministic import running

    return running.run(options)


if __name__ == "__main__":
    sys.exit(main())
