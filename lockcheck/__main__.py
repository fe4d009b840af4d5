"""`python -m lockcheck`."""

from __future__ import annotations

import sys

from lockcheck.cli import main

if __name__ == "__main__":
    sys.exit(main())
