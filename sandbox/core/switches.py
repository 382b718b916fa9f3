"""Switches: questions a vendor's documentation leaves open, with the answers to try."""

from collections.abc import Mapping

from sandbox.core.vendor import ActRefused


class Switches:
    """Named switches; of each one's allowed answers the first is the default."""

    def __init__(self, allowed: Mapping[str, tuple[str, ...]]) -> None:
        self._allowed = dict(allowed)
        self._answers: dict[str, str] = {}
        self.reset()

    def __getitem__(self, name: str) -> str:
        return self._answers[name]

    def on(self, name: str) -> bool:
        """Whether a yes/no switch says yes."""
        return self._answers[name] == "yes"

    def current(self) -> dict[str, str]:
        """Every switch and its answer."""
        return dict(self._answers)

    def reset(self) -> None:
        """Back to the defaults."""
        self._answers = {name: answers[0] for name, answers in self._allowed.items()}

    def set(self, answers: Mapping[str, str]) -> None:
        """Change several at once; all or nothing."""
        for name, answer in answers.items():
            if name not in self._allowed:
                raise ActRefused(f"unknown switch {name!r}; there are {sorted(self._allowed)}")
            if answer not in self._allowed[name]:
                allowed = list(self._allowed[name])
                raise ActRefused(f"switch {name!r} takes one of {allowed}, not {answer!r}")
        self._answers.update(answers)
