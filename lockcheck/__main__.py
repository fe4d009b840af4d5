"""`python -m lockcheck`.

Python looks for modules in the current folder first then: what is read there must not be run.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]
    from lockcheck.cli import main

    sys.exit(main())
