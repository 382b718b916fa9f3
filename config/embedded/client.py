"""The caller's end of the pipe to a guardian."""

import json
import os
import subprocess
import sys
from typing import IO, Any

from config.guardian.errors import EmbeddedError
from config.guardian.folders import PROJECT
from config.guardian.order import Order

# A fast shutdown, then an immediate one, then a kill, for both servers, and some air.
STOP_TIMEOUT_S = 25.0


class GuardianClient:
    """Starts a guardian and talks to it; closing the pipe is what makes it stop everything."""

    def __init__(self, order: Order) -> None:
        """Start the guardian and hand it the order."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.guardian"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            start_new_session=True,
            text=True,
        )
        os.register_at_fork(after_in_child=self._let_go_in_fork)
        self._ask(order.to_json())

    @property
    def _input(self) -> IO[str]:
        if self._process.stdin is None:
            raise EmbeddedError("The guardian was started without a pipe.")
        return self._process.stdin

    def _let_go_in_fork(self) -> None:
        """Let go of the pipe in a forked child of ours: only the caller itself may hold it open.

        The descriptor is redirected, because closing the file could write what it still buffers.
        """
        if not self._input.closed:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._input.fileno(), inheritable=False)
            os.close(nowhere)

    def ask(self, command: str) -> dict[str, Any]:
        """Have the guardian do something; where both servers are afterwards."""
        return self._ask(command)

    def _ask(self, line: str) -> dict[str, Any]:
        try:
            self._input.write(f"{line}\n")
            self._input.flush()
        except (BrokenPipeError, ValueError) as error:
            raise EmbeddedError("The guardian of the private services is gone.") from error
        answer = self._process.stdout.readline() if self._process.stdout else ""
        if not answer:
            raise EmbeddedError("The guardian of the private services ended unexpectedly.")
        words: dict[str, Any] = json.loads(answer)
        if "error" in words:
            raise EmbeddedError(words["error"])
        state: dict[str, Any] = words["ok"]
        return state

    def close(self) -> None:
        """Stop both servers and wait until they are gone."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()
