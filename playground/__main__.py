"""`python -m playground`: the playground and the service on this machine, until Ctrl-C."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from playground.child import CannotStart
from playground.start import Start

FOLDER = Path(__file__).parents[1] / ".playground"


def main() -> int:
    # Environment: STORE as with `make run STORE=redis`; the rest is inherited by the children.
    environment = dict(os.environ)
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    parser.add_argument(
        "--store", choices=["sqlite", "redis"], default=environment.get("STORE") or "sqlite"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="its memory")
    chosen = parser.parse_args()
    start = Start(chosen.folder.resolve(), environment)
    try:
        return asyncio.run(start.run(chosen.store))
    except CannotStart as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    sys.exit(main())
