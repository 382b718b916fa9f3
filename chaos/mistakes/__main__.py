"""`python -m chaos.mistakes`: makes each known mistake, and tells what caught it.

Each drill is played twice: without the mistake nothing may be found, with it something must be.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from chaos.deterministic.__main__ import SETTINGS


def main() -> int:
    """Set Django up, then go through all of them, or those that were named."""
    parser = argparse.ArgumentParser(prog="python -m chaos.mistakes", description=__doc__)
    parser.add_argument("names", nargs="*", help="only mistakes whose name has this in it")
    parser.add_argument("--result", type=Path, help="write what was found here, as JSON")
    options = parser.parse_args()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import django

    django.setup()
    logging.disable(logging.CRITICAL)  # thousands of failures that were made on purpose
    from chaos.mistakes import running

    return running.run(options.names, options.result)


if __name__ == "__main__":
    sys.exit(main())
