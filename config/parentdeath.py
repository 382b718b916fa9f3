"""Linux can signal a child once its parent is gone; a second net under orderly ways to end."""

import ctypes
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def ask_for_signal(signum: int) -> None:
    """In a new child: be sent this signal when the parent dies. Does nothing elsewhere."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signum)
