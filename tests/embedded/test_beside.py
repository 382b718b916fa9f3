"""A command works beside a live run, and only beside a live one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded.beside import FILE, live_run, told
from tests.embedded.support import PROJECT, without_services

ADDRESSES = {"DATABASE_URL": "postgresql://somewhere/db", "REDIS_URL": "redis://somewhere/0"}


def test_a_live_run_tells_its_addresses_to_its_owner_only(tmp_path: Path) -> None:
    with told(tmp_path, ADDRESSES):
        assert live_run(tmp_path) == ADDRESSES
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert live_run(tmp_path) is None
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("left", ["", "{", json.dumps({"pid": 2**22 + 1, "environment": {}})])
def test_what_a_killed_run_left_is_not_believed(tmp_path: Path, left: str) -> None:
    (tmp_path / FILE).write_text(left)
    assert live_run(tmp_path) is None


def test_a_joined_command_gets_the_addresses_and_nothing_is_started(tmp_path: Path) -> None:
    with told(tmp_path, ADDRESSES):
        command = [sys.executable, "-m", "config.embedded", "--data-dir", str(tmp_path), "--join"]
        show = "import os; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'])"
        done = subprocess.run(
            [*command, "--migrate", "--", sys.executable, "-c", show],
            cwd=PROJECT,
            env=without_services(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert done.stdout.split() == list(ADDRESSES.values())
    assert list(tmp_path.iterdir()) == []
