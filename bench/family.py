"""One family of measures in a process of its own: `python -m bench.family NAME [--quick]`.

Prints one JSON object: what was found, and series of figures for the plots.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from importlib import import_module

from bench.measures import FAMILIES, Result
from bench.method import FULL, QUICK
from bench.place import private_place


def main() -> int:
    """Measure one family and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=FAMILIES)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], help="names of parts of the family")
    options = parser.parse_args()
    with private_place() as place:
        module = import_module(f"bench.{options.name}")
        result = Result()
        for part in module.PARTS:
            if not options.only or part.__name__ in options.only:
                part(place, QUICK if options.quick else FULL, result)
    print(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
