"""The formats a statement is written in. What each needs is loaded when it is asked for.

Web and workers do not carry the libraries for PDF and XLSX in memory until somebody wants one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import BinaryIO

from connector.statement import bundle
from connector.statement.canonical import canonical
from connector.statement.making import Made
from connector.statement.tables import tables_of


@dataclass(frozen=True)
class Format:
    """One format: the module that writes tables, the ending of the file, its media type."""

    module: str
    ending: str
    media_type: str
    title: str


TABLE_FORMATS = {
    "html": Format("html", "html", "text/html; charset=utf-8", "HTML"),
    "csv": Format("csv_files", "csv.zip", "application/zip", "CSV"),
    "xlsx": Format(
        "xlsx",
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "Excel",
    ),
    "pdf": Format("pdf", "pdf", "application/pdf", "PDF"),
}
FORMATS = TABLE_FORMATS | {
    "json": Format("", "json", "application/json", "JSON"),
    "bundle": Format("", "bundle.zip", "application/zip", "Bundle"),
}


def file_name(made: Made, name: str) -> str:
    """Such as "maple-2026-03.pdf"."""
    return f"{made.statement.tenant}-{made.statement.month}.{FORMATS[name].ending}"


def write_format(made: Made, name: str, out: BinaryIO) -> None:
    """Write a statement in one of `FORMATS`. Outside a scope: it takes long, and asks nothing."""
    if name == "json":
        out.write(canonical(made.statement.plain()))
    elif name == "bundle":
        writers = {
            f"statement.{found.ending}": partial(_write_tables, made, key)
            for key, found in TABLE_FORMATS.items()
        }
        bundle.write(made, writers, out)
    else:
        _write_tables(made, name, out)


def _write_tables(made: Made, name: str, out: BinaryIO) -> None:
    module = import_module(f"connector.statement.{TABLE_FORMATS[name].module}")
    module.write(tables_of(made), made.title, out)
