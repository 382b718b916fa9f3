"""Which pictures a report has. A series that was not measured has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.svg import Axis, Line, Plot, nice_step

DAY_S = 86_400
TENANTS = (10, 100, 1_000, 10_000, 100_000)
FIXED_LOOKS = 288  # a day, every five minutes
Series = Mapping[str, Any]


def plots_of(series: Series) -> dict[str, Plot]:
    """Name of the file to picture."""
    makers = {
        "drain": ("drain", _drain),
        "waits": ("waits_ms", _waits),
        "polling": ("idle", _polling),
        "tick": ("tick_ms", _tick),
    }
    return {name: make(series[key]) for name, (key, make) in makers.items() if key in series}


def _drain(found: Series) -> Plot:
    """Jobs per second: a line for each number of workers, over the batch size."""
    lines = [
        Line(f"{workers} worker{'s' * (workers != '1')}", [(float(b), r) for b, r in rates.items()])
        for workers, rates in found.items()
    ]
    batches = [x for line in lines for x, _ in line.points]
    return Plot(
        "Jobs per second, by worker processes and batch size",
        Axis("jobs claimed at once", min(batches), max(batches), log=True),
        Axis("jobs per second", 0, _above(lines)),
        lines,
    )


def _waits(found: Series) -> Plot:
    """How many of the jobs had waited no longer than that."""
    names = {"alone": "light, alone", "beside": "light, beside heavy", "heavy": "heavy"}
    lines = [
        Line(name, _cumulated(found[key]), dots=False)
        for key, name in names.items()
        if found.get(key)
    ]
    waits = [x for line in lines for x, _ in line.points]
    return Plot(
        "How long jobs wait while one tenant has thousands queued",
        Axis("milliseconds from queued to begun", 1, max(1000.0, *waits), log=True),
        Axis("% of the jobs begun", 0, 100),
        lines,
    )


def _cumulated(waits: Sequence[float]) -> list[tuple[float, float]]:
    ranked = sorted(waits)
    every = max(1, len(ranked) // 200)
    return [(max(1.0, one), (n + 1) / len(ranked) * 100) for n, one in enumerate(ranked)][::every]


def _polling(found: Series) -> Plot:
    """From the measured calls of one idle tenant a day; fixed: as many calls for each of 288 looks."""
    adaptive, per_look = float(found["calls_per_day"]), float(found["calls_per_look"])

    def line(name: str, per_day: float, *, dashed: bool) -> Line:
        return Line(name, [(float(n), n * per_day / DAY_S) for n in TENANTS], dashed=dashed)

    lines = [
        line("adaptive, as measured", adaptive, dashed=False),
        line("fixed, every 5 minutes", per_look * FIXED_LOOKS, dashed=True),
    ]
    return Plot(
        "Calls per second to look at idle tenants",
        Axis("tenants", TENANTS[0], TENANTS[-1], log=True),
        Axis("calls per second", 0.001, 10_000, log=True),
        lines,
    )


def _tick(found: Series) -> Plot:
    """The clock's look for what is due."""
    points = [(float(tenants), value) for tenants, value in found.items()]
    lines = [Line("tick, nothing due", points)]
    return Plot(
        "One tick of the clock, by number of tenants",
        Axis("tenants", points[0][0], points[-1][0], log=True),
        Axis("milliseconds", 0, _above(lines)),
        lines,
    )


def _above(lines: Sequence[Line]) -> float:
    """A round number above all of them."""
    most = max(y for line in lines for _, y in line.points)
    step = nice_step(most / 5)
    return (most // step + 1) * step
