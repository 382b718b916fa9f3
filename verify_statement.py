#!/usr/bin/env python3
"""Checks a statement bundle offline: python3 verify_statement.py [BUNDLE.zip or its folder].

Needs Python 3.9 or later and nothing else: no network, no packages, none of the product's code.
Checks the bytes of the archive, the hash of every file, and every sum in statement.json, from the
single movements to the totals and the bank deposits. Prints what it checked. Exit code 0 if all of
it holds, 1 at the first figure that is wrong, which it names; 2 if there is nothing to check.

Amounts are whole minor units (cents). The rules are explained in docs/statement.md of the product.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

STATEMENT, MANIFEST, CHANGES = "statement.json", "manifest.json", "changes.json"
SEAL = b"sha256:"  # the archive ends with the hash of everything before it, in its comment
COLUMNS = ("collected", "returned", "reported", "recorded", "elsewhere", "credited")
GROUPS = ("gross", "fees", "refunds", "disputes", "reserves", "other")
FIGURES = (
    "freshbooks_total",
    "freshbooks_paid",
    "freshbooks_outstanding",
    "stripe_total",
    "stripe_paid",
    "stripe_remaining",
    "freshbooks_unknown",
)
NOT_TWO_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


class Wrong(Exception):
    """The first thing that does not hold."""


def expect(where: str, found: Any, wanted: Any) -> None:
    """Name the figure that is not what it must be."""
    if found != wanted or type(found) is not type(wanted):
        raise Wrong(f"{where} is {found!r}, but must be {wanted!r}")


def total(rows: list[dict[str, Any]], name: str) -> int:
    """The sum of one figure over rows; unknown ones count as nothing."""
    return sum(row[name] or 0 for row in rows)


# The files -------------------------------------------------------------------------------------


def read_archive(path: Path) -> dict[str, bytes]:
    """The files of a bundle by name, after its seal was checked."""
    data = path.read_bytes()
    seal = data[-len(SEAL) - 64 :]
    body = data[: -len(seal)]
    if not seal.startswith(SEAL):
        raise Wrong(f"{path.name} does not end with its seal: bytes were added, removed or changed")
    expect(f"the seal of {path.name}", seal[len(SEAL) :], hashlib.sha256(body).hexdigest().encode())
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(set(names)) != len(names):
            raise Wrong(f"{path.name} has two files of one name")
        files = {name: archive.read(name) for name in names}
    print(f"ok: the archive is as it was made ({len(data):,} bytes)")
    return files


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of an unpacked bundle, those that its manifest names."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise FileNotFoundError(f"there is no {MANIFEST} in {folder}")
    files = {MANIFEST: manifest.read_bytes()}
    for name in parsed(files, MANIFEST)["files"]:
        path = folder / name
        if path.name != name or not path.is_file():
            raise Wrong(f"{name} is missing")
        files[name] = path.read_bytes()
    return files


def parsed(files: dict[str, bytes], name: str) -> dict[str, Any]:
    """A JSON file in the one form that it is written in: sorted, without spaces, no fractions."""
    if name not in files:
        raise Wrong(f"{name} is missing")

    def no_fraction(text: str) -> None:
        raise Wrong(f"{name} has {text}: amounts are whole numbers")

    try:
        data: dict[str, Any] = json.loads(
            files[name].decode("utf-8"), parse_float=no_fraction, parse_constant=no_fraction
        )
    except ValueError as error:
        raise Wrong(f"{name} cannot be read: {error}") from error
    if canonical(data) != files[name]:
        raise Wrong(f"{name} is not written in its one form")
    return data


def canonical(data: Any) -> bytes:
    """JSON in its one form, as bytes."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def check_files(files: dict[str, bytes]) -> dict[str, Any]:
    """Every file against the manifest, and the manifest against itself."""
    manifest = parsed(files, MANIFEST)
    without = {name: value for name, value in manifest.items() if name != "manifest_sha256"}
    expect("manifest_sha256", manifest["manifest_sha256"], sha256(canonical(without)))
    expect("the list of files", sorted({*files} - {MANIFEST}), sorted(manifest["files"]))
    for name, told in sorted(manifest["files"].items()):
        expect(f"the size of {name}", len(files[name]), told["bytes"])
        expect(f"the hash of {name}", sha256(files[name]), told["sha256"])
    expect("statement_sha256", manifest["statement_sha256"], sha256(files[STATEMENT]))
    print(f"ok: the hashes of {len(manifest['files'])} files")
    return manifest


def sha256(data: bytes) -> str:
    """As 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


# The statement ---------------------------------------------------------------------------------


def check_statement(statement: dict[str, Any]) -> None:
    """Every sum, from the movements up."""
    check_exponents(statement)
    check_invoices(statement)
    check_unmatched(statement)
    check_payouts(statement)
    check_totals(statement)
    check_control(statement)


def check_exponents(statement: dict[str, Any]) -> None:
    """The number of decimals of each currency."""
    for currency, places in sorted(statement["exponents"].items()):
        listed = [n for n, codes in NOT_TWO_DECIMALS.items() if currency in codes.split()]
        expect(f"exponents[{currency}]", places, listed[0] if listed else 2)


def gap(sums: dict[str, int]) -> int:
    """What Stripe counts as paid beyond FreshBooks."""
    stripe = sums["collected"] + sums["returned"] + sums["reported"]
    return stripe - sums["recorded"] - sums["elsewhere"]


def check_invoices(statement: dict[str, Any]) -> None:
    """Movements make what moved; that and the opening make the closing; it makes the difference."""
    moved: dict[tuple[Any, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
    for move in statement["movements"]:
        if move["column"]:
            moved[move["invoice"], move["currency"]][move["column"]] += move["amount"]
    seen: set[tuple[int, str]] = set()
    for line in statement["invoices"]:
        key = (line["invoice"], line["currency"])
        where = f"invoice {line['number'] or line['invoice']} ({line['currency']})"
        if key in seen:
            raise Wrong(f"{where} is listed twice")
        seen.add(key)
        check_invoice(where, line, moved[key])
    for key in sorted(set(moved) - seen, key=str):
        if any(moved[key].values()):
            raise Wrong(f"invoice {key[0]} ({key[1]}) has movements but no line")
    parts = sum(len(line["explained"]) for line in statement["invoices"])
    print(
        f"ok: {len(statement['movements'])} movements make {len(statement['invoices'])} invoices' "
        f"closings and differences, with {parts} explanations"
    )


def check_invoice(where: str, line: dict[str, Any], moved: dict[str, int]) -> None:
    """One invoice."""
    for name in COLUMNS:
        expect(f"{where}: moved.{name}", line["moved"][name], moved[name])
        closing = line["opening"][name] + line["moved"][name]
        expect(f"{where}: closing.{name}", line["closing"][name], closing)
    expect(f"{where}: difference", line["difference"], gap(line["closing"]))
    rest = line["difference"] - total(line["explained"], "amount")
    expect(f"{where}: unexplained", line["unexplained"], rest)
    known = sum(
        line[part][name] for part in ("closing", "later") for name in ("recorded", "elsewhere")
    )
    paid = line["freshbooks_paid"]
    expect(
        f"{where}: freshbooks_unknown",
        line["freshbooks_unknown"],
        0 if paid is None else paid - known,
    )


def check_unmatched(statement: dict[str, Any]) -> None:
    """Money without invoice: the movements make what moved."""
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for move in statement["movements"]:
        moved[move["payment"] or move["source"], move["currency"]] += move["loose"]
    for line in statement["unmatched"]:
        where = f"unmatched payment {line['payment']} ({line['currency']})"
        expect(f"{where}: moved", line["moved"], moved.pop((line["payment"], line["currency"]), 0))
        expect(f"{where}: closing", line["closing"], line["opening"] + line["moved"])
    for (payment, currency), amount in moved.items():
        expect(f"unmatched payment {payment} ({currency}), which has no line: moved", amount, 0)
    print(f"ok: {len(statement['unmatched'])} payments without invoice")


def check_payouts(statement: dict[str, Any]) -> None:
    """Gross, fees and all else make the net; with the rest it is the deposit."""
    for payout in statement["payouts"]:
        where = f"payout {payout['id']}"
        sums = dict.fromkeys(GROUPS, 0)
        for line in payout["lines"]:
            check_balance_line(where, line)
            expect(f"{where}, {line['id']}: currency", line["currency"], payout["currency"])
            sums[line["group"]] += line["amount"]
            sums["fees"] -= line["fee"]
        for name in GROUPS:
            expect(f"{where}: {name}", payout["groups"][name], sums[name])
        expect(f"{where}: net", payout["net"], sum(sums.values()))
        expect(f"{where}: net", payout["net"], total(payout["lines"], "net"))
        expect(f"{where}: rest", payout["rest"], payout["amount"] - payout["net"])
    for line in statement["not_paid_out"]:
        check_balance_line("not paid out", line)
    print(f"ok: {len(statement['payouts'])} deposits, gross to net")


def check_balance_line(where: str, line: dict[str, Any]) -> None:
    """One movement of Stripe's balance."""
    expect(f"{where}, {line['id']}: net", line["net"], line["amount"] - line["fee"])


def check_totals(statement: dict[str, Any]) -> None:
    """The invoices make the totals."""
    named = {line["currency"] for part in ("invoices", "unmatched") for line in statement[part]}
    told = [line["currency"] for line in statement["totals"]]
    expect("the currencies of the totals", told, sorted(named))
    for line in statement["totals"]:
        currency = line["currency"]
        invoices = [row for row in statement["invoices"] if row["currency"] == currency]
        check_total(f"total {currency}", line, invoices)
        loose = [row for row in statement["unmatched"] if row["currency"] == currency]
        for name in ("opening", "moved", "closing"):
            expect(f"total {currency}: loose_{name}", line[f"loose_{name}"], total(loose, name))
        held = [row for row in loose if row["state"] == "held"]
        expect(f"total {currency}: loose_held", line["loose_held"], total(held, "closing"))
    print(f"ok: the totals of {len(told)} currencies")


def check_total(where: str, line: dict[str, Any], invoices: list[dict[str, Any]]) -> None:
    """One currency."""
    expect(f"{where}: invoices", line["invoices"], len(invoices))
    for part in ("opening", "moved", "closing", "later"):
        for name in COLUMNS:
            wanted = total([row[part] for row in invoices], name)
            expect(f"{where}: {part}.{name}", line[part][name], wanted)
    expect(f"{where}: difference", line["difference"], gap(line["closing"]))
    expect(f"{where}: difference", line["difference"], total(invoices, "difference"))
    expect(f"{where}: unexplained", line["unexplained"], total(invoices, "unexplained"))
    kinds: dict[str, int] = defaultdict(int)
    for row in invoices:
        for part in row["explained"]:
            kinds[part["kind"]] += part["amount"]
    for name in sorted({*kinds, *line["explained"]}):
        expect(f"{where}: explained.{name}", line["explained"].get(name, 0), kinds[name])
    for name in FIGURES:
        expect(f"{where}: {name}", line[name], total(invoices, name))


def check_control(statement: dict[str, Any]) -> None:
    """Figures that enter no other sum have one of their own."""
    sums = control_sums(statement)
    expect("the names of control", sorted(statement["control"]), sorted(sums))
    for name, wanted in sorted(sums.items()):
        for currency in sorted({*wanted, *statement["control"][name]}):
            found = statement["control"][name].get(currency)
            expect(f"control.{name}[{currency}]", found, wanted[currency])
    print("ok: the control sums of all other figures")


def control_sums(statement: dict[str, Any]) -> dict[str, dict[str, int]]:
    """By name and currency."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(name: str, currency: str, amount: int | None) -> None:
        sums[name][currency] += amount or 0

    for move in statement["movements"]:
        add("movements.amount", move["currency"], move["amount"])
        add("movements.about", move["currency"], move["about"])
        add("movements.presentment", move["presentment_currency"], move["presentment"])
        add("movements.settlement", move["settlement_currency"], move["settlement"])
        add("movements.fee", move["settlement_currency"], move["fee"])
    for payout in statement["payouts"]:
        add("payouts.amount", payout["currency"], payout["amount"])
        for line in payout["lines"]:
            add("payouts.charged", line["charged_currency"], line["charged"])
    for line in statement["not_paid_out"]:
        add("not_paid_out.net", line["currency"], line["net"])
        add("not_paid_out.charged", line["charged_currency"], line["charged"])
    for row in statement["open_differences"]:
        add("open_differences.freshbooks", row["currency"], row["freshbooks"])
        add("open_differences.stripe", row["currency"], row["stripe"])
    return sums


def check_changes(changes: dict[str, Any], statement: dict[str, Any]) -> None:
    """What changed since the month was closed: the new figures are the statement's."""
    now = {(row["invoice"], row["currency"]): row for row in statement["invoices"]}
    for row in changes["invoices"]:
        found = now.get((row["invoice"], row["currency"]))
        for part in ("opening", "closing"):
            wanted = found[part] if found else dict.fromkeys(COLUMNS, 0)
            expect(f"changed invoice {row['number']}: new {part}", row["new"][part], wanted)
    for row in changes["totals"]:
        found = [line for line in statement["totals"] if line["currency"] == row["currency"]]
        for part in ("opening", "closing"):
            wanted = found[0][part] if found else dict.fromkeys(COLUMNS, 0)
            expect(f"changed total {row['currency']}: new {part}", row["new"][part], wanted)
            for name in COLUMNS:
                moved = sum(
                    line["new"][part][name] - line["old"][part][name]
                    for line in changes["invoices"]
                    if line["currency"] == row["currency"]
                )
                old = row["new"][part][name] - moved
                expect(
                    f"changed total {row['currency']}: old {part}.{name}",
                    row["old"][part][name],
                    old,
                )
    print(f"ok: {len(changes['invoices'])} invoices changed since the month was closed")


def verify(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a bundle or its folder. Raises Wrong."""
    files = read_folder(path) if path.is_dir() else read_archive(path)
    manifest = check_files(files)
    statement = parsed(files, STATEMENT)
    expect("format", statement["format"], "ml-connector-statement/1")
    for name in ("tenant", "month"):
        expect(f"{name} of the manifest", manifest[name], statement[name])
    check_statement(statement)
    if CHANGES in files:
        check_changes(parsed(files, CHANGES), statement)
    return statement, manifest


def main(arguments: list[str]) -> int:
    """Print what was checked; answer the exit code."""
    path = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    try:
        statement, manifest = verify(path)
    except FileNotFoundError as error:
        print(f"nothing to check: {error}", file=sys.stderr)
        return 2
    except (Wrong, zipfile.BadZipFile) as error:
        print(f"WRONG: {error}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, OSError) as error:
        print(f"WRONG: not a complete bundle: {type(error).__name__} {error}", file=sys.stderr)
        return 1
    open_lines = [line["number"] for line in statement["invoices"] if line["unexplained"]]
    if open_lines:
        print(
            f"note: a difference is unexplained on {len(open_lines)}: {', '.join(open_lines[:20])}"
        )
    head = manifest["audit"]
    print(f"audit chain at the time: entry {head['last_sequence']}, {head['last_hash']}")
    print(
        f"{statement['tenant']} {statement['month']}: everything holds. {manifest['statement_sha256']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
