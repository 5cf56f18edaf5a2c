"""`python -m sekisho.gate --data DIR --slot gate-0`: run one gate until SIGTERM."""

import argparse
import sys
from pathlib import Path

from sekisho.core import SekishoError
from sekisho.gate.process import main


def run() -> int:
    """Run the gate named on the command line; return the exit code: 0 after an orderly stop, 1 if it could not run."""
    parser = argparse.ArgumentParser(prog="python -m sekisho.gate", description="Run one gate until SIGTERM.")
    parser.add_argument("--data", type=Path, required=True, help="the data directory")
    parser.add_argument("--slot", required=True, help="the gate's slot, such as gate-0")
    chosen = parser.parse_args()
    try:
        main(chosen.data, chosen.slot)
    except SekishoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run())
