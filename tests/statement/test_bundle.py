"""The bundle is checked offline by the file that lies in it, and no change of it stays unseen."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import verify_statement
from audit.models import AuditChain
from connector.statement.canonical import canonical, sha256, statement_hash
from connector.statement.closing import close_month
from connector.statement.formats import write_format
from connector.statement.making import make_statement
from connector.statement.months import Month
from connector.statement.packing import entry, sealed
from tests.pipeline.shop import cause
from tests.statement import busy
from tests.statement.books import Books, at

MARCH = Month(2026, 3)
ROOT = Path(__file__).resolve().parents[2]
FIXED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@pytest.fixture
def bundle(books: Books) -> bytes:
    """Of a busy month that was closed, and to which money was added afterwards."""
    busy.fill(books)
    close_month(books.tenant, MARCH, cause=cause())
    books.record(books.invoice("INV-99", 4242), 4242, at(29))
    out = io.BytesIO()
    write_format(make_statement(books.tenant, MARCH), "bundle", out)
    return out.getvalue()


@pytest.fixture
def place(tmp_path: Path) -> Callable[[bytes], Path]:
    """Where a bundle is put to be checked."""

    def put(data: bytes) -> Path:
        path = tmp_path / "maple.bundle.zip"
        path.write_bytes(data)
        return path

    return put


Place = Callable[[bytes], Path]


def files_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(bundle: bytes, name: str, data: Any) -> bytes:
    """A bundle with one file replaced and every hash made anew, as a forger would."""
    files = files_of(bundle) | {name: canonical(data)}
    manifest = json.loads(files.pop("manifest.json"))
    del manifest["manifest_sha256"]
    manifest["files"][name] = {"sha256": sha256(files[name]), "bytes": len(files[name])}
    manifest["statement_sha256"] = sha256(files["statement.json"])
    files["manifest.json"] = canonical(manifest | {"manifest_sha256": sha256(canonical(manifest))})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file, content in files.items():
            archive.writestr(entry(file), content)
    return sealed(out.getvalue())


def test_a_good_bundle(bundle: bytes, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_statement.main([str(place(bundle))]) == 0
    told = capsys.readouterr().out
    for part in (
        "the archive is as it was made",
        "hashes of 7 files",
        "movements make",
        "gross to net",
    ):
        assert part in told, part
    assert "everything holds" in told


def test_what_is_in_it(books: Books, bundle: bytes) -> None:
    files = files_of(bundle)
    assert sorted(files) == [
        "changes.json",
        "manifest.json",
        "statement.csv.zip",
        "statement.html",
        "statement.json",
        "statement.pdf",
        "statement.xlsx",
        "verify_statement.py",
    ]
    manifest = json.loads(files["manifest.json"])
    made = make_statement(books.tenant, MARCH)
    head = AuditChain.objects.get(tenant_id=books.tenant.pk)
    assert manifest["statement_sha256"] == statement_hash(made.statement)
    assert manifest["audit"] == {"last_sequence": head.last_sequence, "last_hash": head.last_hash}
    assert files["verify_statement.py"] == (ROOT / "verify_statement.py").read_bytes()
    assert b'"amount":113000' in files["statement.json"]


def test_unpacked_and_alone_with_nothing_but_python(bundle: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        archive.extractall(folder)
    command = [sys.executable, "-I", "-S", str(folder / "verify_statement.py")]
    done = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "everything holds" in done.stdout
    page = folder / "statement.html"
    page.write_bytes(page.read_bytes().replace(b"1,130.00", b"1,130.01", 1))
    done = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[:33]) == (1, "WRONG: the hash of statement.html")


def test_the_oldest_python_that_is_promised_reads_it() -> None:
    source = (ROOT / "verify_statement.py").read_text()
    ast.parse(source, feature_version=(3, 9))
    assert "from __future__ import annotations" in source
    import_lines = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    modules = {line.split()[1] for line in import_lines}
    assert modules <= set(sys.stdlib_module_names)


def test_nothing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_statement.main([str(tmp_path)]) == 2
    assert verify_statement.main([str(tmp_path / "none.zip")]) == 2
    assert "nothing to check" in capsys.readouterr().err


def test_any_changed_byte_is_seen(bundle: bytes, place: Place) -> None:
    @FIXED
    @given(st.integers(0, len(bundle) - 1), st.integers(1, 255))
    def changed(position: int, flip: int) -> None:
        data = bytearray(bundle)
        data[position] ^= flip
        assert verify_statement.main([str(place(bytes(data)))]) == 1

    changed()


def test_any_cut_or_added_byte_is_seen(bundle: bytes, place: Place) -> None:
    for data in (bundle[:-1], bundle[1:], bundle + b"\0", b"\0" + bundle, b"", bundle[:50]):
        assert verify_statement.main([str(place(data))]) == 1


def figures(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all integers, but for the numbers that are names."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name not in {"invoice", "closed_at"}:
                yield from figures(value, (*path, name))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from figures(value, (*path, number))
    elif type(data) is int:
        yield path


def changed_at(data: Any, path: tuple[Any, ...], by: int) -> Any:
    copy = json.loads(json.dumps(data))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] += by
    return copy


def test_any_changed_figure_is_seen_even_with_new_hashes(bundle: bytes, place: Place) -> None:
    statement = json.loads(files_of(bundle)["statement.json"])
    places = list(figures(statement))
    assert len(places) > 500

    @FIXED
    @given(st.sampled_from(places), st.integers(-10000, 10000).filter(bool))
    def changed(path: tuple[Any, ...], by: int) -> None:
        data = forged(bundle, "statement.json", changed_at(statement, path, by))
        assert verify_statement.main([str(place(data))]) == 1, path

    changed()
    same = forged(bundle, "statement.json", statement)
    assert verify_statement.main([str(place(same))]) == 0


def test_every_figure_once(bundle: bytes) -> None:
    """Without the archive around it, each one of them by one minor unit."""
    statement = json.loads(files_of(bundle)["statement.json"])
    for path in figures(statement):
        with pytest.raises(verify_statement.Wrong):
            verify_statement.check_statement(changed_at(statement, path, 1))


def test_a_changed_figure_of_the_changes_is_seen(bundle: bytes) -> None:
    files = files_of(bundle)
    statement, changes = json.loads(files["statement.json"]), json.loads(files["changes.json"])
    places = [path for path in figures(changes) if path[2] == "new"]
    assert [row["number"] for row in changes["invoices"]] == ["INV-99"]
    verify_statement.check_changes(changes, statement)
    for path in places:
        with pytest.raises(verify_statement.Wrong):
            verify_statement.check_changes(changed_at(changes, path, 1), statement)


def test_the_first_wrong_figure_is_named(
    bundle: bytes, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = json.loads(files_of(bundle)["statement.json"])
    (line,) = [row for row in statement["invoices"] if row["number"] == "INV-3"]
    line["closing"]["collected"] += 1
    assert verify_statement.main([str(place(forged(bundle, "statement.json", statement)))]) == 1
    assert capsys.readouterr().err == (
        "WRONG: invoice INV-3 (CAD): closing.collected is 7001, but must be 7000\n"
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda found: found["invoices"].pop(), "has movements but no line"),
        (lambda found: found["invoices"].append(found["invoices"][0]), "is listed twice"),
        (lambda found: found["movements"].pop(0), ": moved."),
        (lambda found: found["unmatched"].clear(), "which has no line"),
        (lambda found: found["totals"].pop(), "the currencies of the totals"),
        (lambda found: found["payouts"][0]["lines"].pop(), "payout po_"),
        (lambda found: found["control"].pop("payouts.amount"), "the names of control"),
        (lambda found: found.pop("exponents"), "not a complete bundle"),
        (lambda found: found.update(format="2"), "format is '2'"),
        (lambda found: found.update(month="2026-04"), "month of the manifest"),
        (lambda found: found["totals"][0].update(difference=0.5), "amounts are whole numbers"),
    ],
)
def test_other_forgeries(
    bundle: bytes,
    place: Place,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Any], Any],
    told: str,
) -> None:
    statement = json.loads(files_of(bundle)["statement.json"])
    change(statement)
    assert verify_statement.main([str(place(forged(bundle, "statement.json", statement)))]) == 1
    assert told in capsys.readouterr().err
