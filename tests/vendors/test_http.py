"""The HTTP door: bounded, strict about its host, and honest about what may have happened."""

from __future__ import annotations

import socket
import time

import pytest

from connector.errors import ConnectorError, OutcomeUnknown, VendorContractBroken, VendorUnavailable
from connector.vendors.http import (
    HttpAnswer,
    HttpDoor,
    HttpRequest,
    Limits,
    checked_base_url,
    is_loopback,
    new_session,
)
from tests.vendors.local_server import SHORT, LocalVendor, Reply


def door_to(url: str, limits: Limits = SHORT) -> HttpDoor:
    return HttpDoor(vendor="freshbooks", base_url=url, limits=limits)


def send(vendor: LocalVendor, method: str = "GET", path: str = "/x", **headers: str) -> HttpAnswer:
    body = b"{}" if method != "GET" else None
    request = HttpRequest(
        method=method, url=vendor.url + path, headers=headers, body=body, operation="op.name"
    )
    return door_to(vendor.url).send(request)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_an_answer_comes_back_with_status_headers_and_bytes(vendor: LocalVendor) -> None:
    vendor.answers(Reply(status=418, body=b"short and stout", headers={"X-Request-Id": "r1"}))
    answer = send(vendor, Authorization="Bearer t")
    assert (answer.status, answer.body, answer.headers["x-request-id"]) == (
        418,
        b"short and stout",
        "r1",
    )
    assert vendor.seen[0].headers["authorization"] == "Bearer t"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_refused_connection_did_nothing_whatever_the_verb(method: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    request = HttpRequest(method=method, url=f"{url}/x?email=a@b.example", headers={})
    with pytest.raises(VendorUnavailable) as raised:
        door_to(url).send(request)
    assert "a@b.example" not in str(raised.value)
    assert raised.value.__context__ is None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connect_timeout_did_nothing(method: str) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)  # noqa: FBT003 - the standard library's signature
                filler.connect_ex(full.getsockname())
            limits = Limits(connect_s=0.1, read_s=0.2)
            with pytest.raises(VendorUnavailable):
                door_to(url, limits).send(HttpRequest(method=method, url=f"{url}/x", headers={}))
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize("how", ["hang", "reset", "truncate", "cut_chunk"])
@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("GET", VendorUnavailable),
        ("POST", OutcomeUnknown),
        ("PUT", OutcomeUnknown),
        ("DELETE", OutcomeUnknown),
    ],
)
def test_a_lost_answer_leaves_a_write_unknown_and_a_read_undone(
    vendor: LocalVendor, how: str, method: str, expected: type[ConnectorError]
) -> None:
    vendor.answers(Reply(body=b"{}", how=how))
    with pytest.raises(expected) as raised:
        send(vendor, method, Authorization="Bearer secret-token")
    assert raised.value.operation == "op.name"
    assert raised.value.vendor == "freshbooks"
    assert raised.value.__context__ is None  # the library's error holds the Authorization header
    assert len(vendor.seen) == 1  # never repeated


def test_a_trickling_answer_ends_at_the_total_time_limit(vendor: LocalVendor) -> None:
    vendor.answers(Reply(how="trickle"))
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        send(vendor, "POST")
    assert time.monotonic() - started < 30, "it trickles for a minute"


@pytest.mark.parametrize(
    ("method", "expected"), [("GET", VendorContractBroken), ("POST", OutcomeUnknown)]
)
def test_a_body_above_the_limit_is_not_read_to_its_end(
    vendor: LocalVendor, method: str, expected: type[ConnectorError]
) -> None:
    vendor.answers(Reply(body=b"x" * (SHORT.body_bytes + 1)))
    with pytest.raises(expected, match="more than 65536 bytes"):
        send(vendor, method)


def test_a_body_at_the_limit_is_read(vendor: LocalVendor) -> None:
    vendor.answers(Reply(body=b"x" * SHORT.body_bytes))
    assert len(send(vendor).body) == SHORT.body_bytes


def test_redirects_are_not_followed(vendor: LocalVendor) -> None:
    vendor.answers(Reply(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"}))
    assert send(vendor).status == 302
    assert len(vendor.seen) == 1


def test_cookies_are_not_kept(vendor: LocalVendor) -> None:
    vendor.answers(Reply(headers={"Set-Cookie": "session=1; Path=/"}), Reply())
    door = door_to(vendor.url)
    for _ in range(2):
        door.send(HttpRequest(method="GET", url=f"{vendor.url}/x", headers={}))
    assert "cookie" not in vendor.seen[1].headers


def test_a_netrc_file_does_not_replace_our_credentials(
    vendor: LocalVendor, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    session = new_session("https://api.freshbooks.com")  # one that trusts the environment
    vendor.answers(Reply())
    door = HttpDoor(vendor="freshbooks", base_url=vendor.url, session=session)
    headers = {"Authorization": "Bearer ours"}
    door.send(HttpRequest(method="GET", url=f"{vendor.url}/x", headers=headers))
    assert vendor.seen[0].headers["authorization"] == "Bearer ours"


def test_connections_are_kept_alive(vendor: LocalVendor) -> None:
    vendor.answers(Reply(body=b"1"), Reply(body=b"2"))
    door = door_to(vendor.url)
    for _ in range(2):
        door.send(HttpRequest(method="GET", url=f"{vendor.url}/x", headers={}))
    assert vendor.seen[0].client_port == vendor.seen[1].client_port


@pytest.mark.parametrize("path", [".evil.example/x", "@evil.example/x", ""])
def test_only_the_configured_host_is_called(vendor: LocalVendor, path: str) -> None:
    with pytest.raises(ValueError, match="configured base"):
        send(vendor, path=path)
    assert vendor.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://api.freshbooks.com",
        "http://127.0.0.1.evil.example",
        "ftp://127.0.0.1",
        "https://user:pw@api.freshbooks.com",
        "https://api.freshbooks.com/?x=1",
        "https://",
        "",
    ],
)
def test_a_base_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|Plain http"):
        checked_base_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:1", True),
        ("http://localhost:1", True),
        ("http://10.0.0.1", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_loopback_is_known_without_a_resolver(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_defaults_are_the_documented_limits() -> None:
    limits = Limits()
    assert (limits.connect_s, limits.read_s, limits.total_s) == (5.0, 10.0, 20.0)
    assert limits.body_bytes == 8 * 1024 * 1024


def test_nothing_secret_shows_in_repr() -> None:
    request = HttpRequest(
        method="POST", url="https://x.example/?q=a", headers={"Authorization": "s"}, body=b"b"
    )
    assert repr(request) == "HttpRequest(method='POST', operation='')"
    answer = HttpAnswer(status=200, headers={"a": "b"}, body=b"secret")
    assert repr(answer) == "HttpAnswer(status=200, bytes=6)"


def test_certificates_are_verified(vendor: LocalVendor) -> None:
    url = vendor.url.replace("http://", "https://")  # plain server: the handshake cannot succeed
    with pytest.raises(VendorUnavailable):
        door_to(url).send(HttpRequest(method="GET", url=f"{url}/x", headers={}))
    assert vendor.seen == []
    assert new_session(url).verify is True


def test_a_header_that_cannot_be_sent_did_nothing(vendor: LocalVendor) -> None:
    with pytest.raises(VendorUnavailable):
        send(vendor, "POST", Authorization="Bearer a\nX-Evil: 1")
    assert vendor.seen == []
