# SPDX-License-Identifier: MIT
"""python3 -m cpsim ...: the program itself."""
import os
import sys

from ._errors import CpsimError
from ._program import program


def main() -> None:
    try:
        path = program()
    except CpsimError as error:
        sys.exit(f"cpsim: error: {error}")
    os.execv(path, [path, *sys.argv[1:]])


if __name__ == "__main__":
    main()
