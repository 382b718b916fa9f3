from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench import running, scaling
from bench.measures import FAMILIES, MEASURES, Found
from bench.plots import plots_of
from bench.report import figure, page, table
from bench.running import _row, measure, missing, read_report, rows_of, series_of


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_a_goal_is_never_weaker_than_its_limit(measure: Any) -> None:
    assert measure.verdict(measure.goal) == "goal"
    assert measure.verdict(measure.limit) in {"goal", "held"}


def test_a_figure_is_judged_on_the_right_side() -> None:
    at_least, at_most = MEASURES["P7"], MEASURES["P9"]
    assert [at_least.verdict(one) for one in (0.99, 1.0, 1.99, 2.0)] == [
        "broken",
        "held",
        "held",
        "goal",
    ]
    assert [at_most.verdict(one) for one in (1.3, 1.31, 2.0, 2.01)] == [
        "goal",
        "held",
        "held",
        "broken",
    ]


def test_no_measure_is_in_two_families() -> None:
    assert sum(len(rows) for rows in FAMILIES.values()) == len(MEASURES)


SERIES = {
    "storage_kb": {"connector_syncjob": 1.5},
    "storage_parts": {"connector_syncjob": {"job_ready": 0.4, "rows": 1.1, "job_dead": 0.0}},
    "rows": {"connector_syncjob": 3.2},
    "waits_ms": {"alone": [1.0, 5.0], "beside": [2.0, 9.0], "heavy": [50.0, 900.0]},
    "drain": {"1": {"1": 200.0, "50": 400.0}, "2": {"1": 300.0, "50": 700.0}},
    "idle": {"calls_per_day": 90.0, "calls_per_look": 2.5},
    "tick_ms": {"10": 2.0, "1000": 2.1, "100000": 3.0},
}


def _run(family: str, found: dict[str, float], series: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": "2026-11-27T20:00:00+00:00",
        "commit": "abc1234",
        "quick": False,
        "load_before": 0.1,
        "load_after": 2.0,
        "seconds": 60,
        "found": [
            _row(family, Found.count(one.id, found[one.id]))
            for one in FAMILIES[family]
            if one.id in found
        ],
        "series": series,
    }


def _report(**found: float) -> dict[str, Any]:
    return {
        "machine": {"processors": 2, "memory_gb": 24.0, "system": "Linux", "python": "3.11.7"},
        "families": {
            "drain": _run("drain", found, SERIES),
            "fairness": _run("fairness", found, {}),
        },
    }


def test_the_page_shows_every_figure_with_its_verdict() -> None:
    report = _report(P7=0.5, P9=1.5, P10=0.99)
    text = page(report, {"drain": "Jobs per second"})
    assert "| P7 |" in text
    assert re.search(r"\| P7 \|.*0\.50 ×.*✗ \*\*broken\*\*", text)
    assert re.search(r"\| P9 \|.*1\.50 ×.*✓ held", text)
    assert re.search(r"\| P10 \|.*0\.99 \|.*★ goal", text)
    assert "| connector_syncjob | 1.50 | 3.2 | rows 1100, job_ready 400 |" in text
    assert "![Jobs per second](bench-drain.svg)" in text
    assert "| fairness | 2026-11-27 20:00 | `abc1234` | 0.1, 2.0 | 1.0 min | full |" in text
    assert "| intake | not measured |" in text
    assert re.search(r"\| P21 \|.*not measured", text)
    assert table(rows_of(report)).count("\n") == 2


def test_figures_are_multiplied_by_the_number_of_tenants() -> None:
    found = [
        {"id": "P12", "value": 1.3, "absolute": {"calls_per_invoice": 4.0}},
        {"id": "P14", "value": 3.0, "absolute": {}},
    ]
    series = {
        "storage_kb": {"connector_syncjob": 2.0, "connector_invoicelink": 1.0},
        "rows": {"connector_syncjob": 3.0, "connector_invoicelink": 1.0},
        "idle": {"calls_per_day": 48.0},
    }
    last = scaling.lines(found, series)[-1]
    # 100,000 tenants x 50 invoices: 4 rows and 3 kB each, 1 kB of it for good; 48 calls a day of each
    # tenant, and 7 of each invoice in a month of 30 days.
    assert last == "| 100,000 | 20,000,000 | 15.0 GB | 5.0 GB | 5,966,667 | 69.06 |"
    assert scaling.lines(found, {}) == []


def test_a_measure_without_a_figure_is_missed() -> None:
    assert missing(_report(P9=1.0, P10=1.0), ["fairness"]) == ["P11", "P11a"]


def test_a_family_that_breaks_loses_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands are another program's here: one that prints figures, one that ends with 3."""
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(_report(P9=1.5)))
    monkeypatch.setattr(running, "ROOT", tmp_path)
    modules = tmp_path / "bench"
    modules.mkdir()
    told = json.dumps({"found": [asdict(Found.count("P25", 30.0))], "series": {}})
    (modules / "family.py").write_text(
        f"import sys\nsys.exit(3) if 'drain' in sys.argv else print({told!r})\n"
    )
    report = measure(["drain", "trail"], quick=True, file=file)
    assert set(report["families"]) == {"fairness", "trail"}
    assert read_report(file) == report
    assert [row["id"] for row in rows_of(report)] == ["P9", "P25"]
    assert missing(report, ["drain", "trail"]) == [one.id for one in FAMILIES["drain"]]


@pytest.mark.parametrize("content", [None, {"found": [], "seconds": {"drain": 60}}])
def test_a_report_of_another_form_is_begun_anew(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "bench.json"
    if content is not None:
        file.write_text(json.dumps(content))
    assert read_report(file)["families"] == {}


def test_plots_are_pictures_of_what_was_measured() -> None:
    pictures = plots_of(series_of(_report()))
    assert set(pictures) == {"drain", "waits", "polling", "tick"}
    for plot in pictures.values():
        drawn = plot.svg()
        assert drawn.startswith("<svg")
        assert not re.search(r"[\s\"MLHV](nan|inf)\b", drawn)
        for x, y in re.findall(r'<circle cx="([\d.-]+)" cy="([\d.-]+)"', drawn):
            assert 0 <= float(x) <= 640
            assert 0 <= float(y) <= 360


def test_a_series_that_was_not_measured_has_no_picture() -> None:
    assert plots_of({}) == {}


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.123, "0.12"), (12.34, "12.3"), (123.4, "123"), (5.0, "5"), (1e5, "100,000")],
)
def test_figures_have_as_many_digits_as_mean_something(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_every_family_has_its_module() -> None:
    folder = Path(running.__file__).parent
    assert {name for name in FAMILIES if not (folder / f"{name}.py").exists()} == set()
