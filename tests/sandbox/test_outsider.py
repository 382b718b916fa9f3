"""A stranger with nothing but the two official packages gets along with `python -m sandbox`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "try_the_sandbox.py"
DONE = (
    "FreshBooks client",
    "FreshBooks invoice",
    "FreshBooks callback delivered, its signature is right",
    "FreshBooks payment",
    "Stripe customer",
    "Stripe invoice",
    "Stripe webhook delivered, its signature is right",
    "Stripe payment",
    "Stripe refund",
    "Everything happened as documented.",
)


def test_an_outsiders_script_runs_through(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox"]
    command += ["--freshbooks", "127.0.0.1:0", "--stripe", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        addresses = json.loads(sandbox.stdout.readline())
        try:
            ran = subprocess.run(
                [sys.executable, SCRIPT, addresses["freshbooks"], addresses["stripe"]],
                cwd=tmp_path,  # none of our packages can be imported from there
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            sandbox.terminate()
    assert ran.returncode == 0, ran.stderr
    assert [done for done in DONE if done not in ran.stdout] == []


def test_the_script_imports_no_package_of_ours() -> None:
    ours = ("audit", "config", "connector", "demo", "sandbox", "tenants", "tests")
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    imported = [line.split()[1] for line in lines if line.startswith(("import ", "from "))]
    assert [name for name in imported if name.split(".")[0] in ours] == []
