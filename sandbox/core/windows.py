"""Counting calls in sliding windows: what a limit per second or per minute is made of."""

from collections import deque


class Windows:
    """Counts calls per key in a sliding window."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[float]] = {}

    def take(self, key: str, limit: int, window_s: float, now: float) -> tuple[int, float]:
        """Count one call; what remains (-1 = refused) and seconds until there is room."""
        calls = self._calls.setdefault(key, deque())
        while calls and (calls[0] <= now - window_s or calls[0] > now):
            calls.popleft()
        if len(calls) >= limit:
            return -1, calls[0] + window_s - now
        calls.append(now)
        return limit - len(calls), calls[0] + window_s - now

    def reset(self) -> None:
        """Forget all calls."""
        self._calls.clear()
