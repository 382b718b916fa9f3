"""The processes of this machine: from /proc where there is one, elsewhere from `ps`."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from pathlib import Path

from config.guardian.processes import command_line

PROC = Path("/proc")


def descendants(pid: int) -> list[tuple[int, int, str]]:
    """(pid, its parent's, command) of a process and everything below it, parents first."""
    parent_of = _parents()
    children: dict[int, list[int]] = defaultdict(list)
    for child, parent in parent_of.items():
        children[parent].append(child)
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        if current in parent_of:
            found.append((current, parent_of[current], command_line(current)))
        waiting += children[current]
    return found


def memory_kb(pid: int) -> int:
    """The memory of a process in kB; 0 if it just ended.

    Pages that processes share are counted once (Linux' proportional set size); where that is not
    to be had, resident size, which counts them for every process.
    """
    try:
        rollup = (PROC / str(pid) / "smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")
    except (OSError, StopIteration):
        return _resident_kb(pid)


def _resident_kb(pid: int) -> int:
    if _has_proc():
        try:
            pages = int((PROC / str(pid) / "statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024
    return int(_ps("-o", "rss=", "-p", str(pid)).strip() or 0)


def _parents() -> dict[int, int]:
    """Every process of this machine, with its parent."""
    if not _has_proc():
        rows = [line.split() for line in _ps("-axo", "pid=,ppid=").splitlines()]
        return {int(child): int(parent) for child, parent in rows}
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(errors="replace")
            except OSError:
                continue  # it just ended
            found[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def _has_proc() -> bool:
    return (PROC / "self" / "stat").exists()


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
