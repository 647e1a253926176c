"""Settings from the environment: the same for every target here."""

import os
import sys


def optional(*names: str) -> str | None:
    """The first of `names` that is set and not empty."""
    return next((value for name in names if (value := os.environ.get(name))), None)


def required(*names: str) -> str:
    """The first of `names` that is set and not empty; ends the process with a message when none is."""
    value = optional(*names)
    if value is None:
        print(f"error: set {' or '.join(names)}", file=sys.stderr)
        raise SystemExit(2)
    return value
