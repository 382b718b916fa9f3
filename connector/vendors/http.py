"""The one HTTP door to a vendor: bounded in time and size, and honest about what may have happened.

It sends one request and returns status, headers and bytes, or raises VendorUnavailable (nothing was
done) or OutcomeUnknown (a write went out and its answer is missing). What a status or a body means
is the vendor folders' business. A request is never repeated here.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import urllib3.exceptions as transport
from requests.auth import AuthBase

from connector.errors import ConnectorError, OutcomeUnknown, VendorContractBroken, VendorUnavailable

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 20.0
MAX_BODY_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024

READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one exchange; the defaults are the product's, tests use shorter ones."""

    connect_s: float = CONNECT_TIMEOUT_S
    read_s: float = READ_TIMEOUT_S
    total_s: float = TOTAL_TIMEOUT_S
    body_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One request. `repr` shows neither headers nor body: they hold credentials and people."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    operation: str = ""

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, so that a lost answer is harmless."""
        return self.method in READS

    def __repr__(self) -> str:
        return f"HttpRequest(method={self.method!r}, operation={self.operation!r})"


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """What came back. `headers` look up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"HttpAnswer(status={self.status}, bytes={len(self.body)})"


class _HeadersAsGiven(AuthBase):
    """Keeps `requests` from replacing our Authorization header by one from a ~/.netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class HttpDoor:
    """Sends requests of one vendor account to one configured host, and to no other."""

    def __init__(
        self,
        *,
        vendor: str,
        base_url: str,
        session: requests.Session | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.vendor = vendor
        self.base_url = checked_base_url(base_url)
        self._session = session or new_session(self.base_url)
        self._limits = limits or Limits()

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Exchange one request for one answer.

        Raises: VendorUnavailable if nothing can have been done at the vendor; OutcomeUnknown if a
            write may have been; VendorContractBroken if a read's answer is larger than the limit.
        """
        if not request.url.startswith(self.base_url + "/"):
            raise ValueError(f"{request.operation}: the URL is not below the configured base.")
        failure: ConnectorError
        try:
            return self._exchange(request)
        except requests.RequestException as error:
            failure = self._failure(request, error, sent=not _never_sent(error))
        except (transport.HTTPError, OSError, ValueError) as error:
            failure = self._failure(request, error, sent=True)
        # Raised here and not inside "except": the library's exception holds the request with its
        # Authorization header and must not travel along as context.
        raise failure

    def _exchange(self, request: HttpRequest) -> HttpAnswer:
        deadline = time.monotonic() + self._limits.total_s
        with self._session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=(self._limits.connect_s, self._limits.read_s),
            auth=_HeadersAsGiven(),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = self._read_body(request, response, deadline)
            return HttpAnswer(status=response.status_code, headers=response.headers, body=body)

    def _read_body(
        self, request: HttpRequest, response: requests.Response, deadline: float
    ) -> bytes:
        """Read at most the allowed bytes, looking at the clock after each piece that arrives."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._limits.body_bytes:
                raise self._too_large(request)
            if time.monotonic() > deadline:
                raise TimeoutError("the answer took longer than the total time limit")
        return bytes(body)

    def _too_large(self, request: HttpRequest) -> ConnectorError:
        kind = VendorContractBroken if request.is_read else OutcomeUnknown
        return kind(
            f"{self.vendor} answered more than {self._limits.body_bytes} bytes.",
            vendor=self.vendor,
            operation=request.operation,
        )

    def _failure(self, request: HttpRequest, error: Exception, *, sent: bool) -> ConnectorError:
        """Say what is known. Only the kind of error is told: its text may hold the URL's query."""
        kind = OutcomeUnknown if sent and not request.is_read else VendorUnavailable
        what = "gave no usable answer" if sent else "could not be reached"
        return kind(
            f"{self.vendor} {what} ({type(error).__name__}).",
            vendor=self.vendor,
            operation=request.operation,
        )


def new_session(base_url: str) -> requests.Session:
    """A session that keeps no cookies; proxies of the environment apply to remote hosts only."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = not is_loopback(base_url)
    return session


def checked_base_url(base_url: str) -> str:
    """The base without a trailing slash. Plain http is for loopback hosts only."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("A vendor base URL needs http or https and a host.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("A vendor base URL has no credentials, query or fragment.")
    if parts.scheme == "http" and not is_loopback(base_url):
        raise ValueError("Plain http is allowed for loopback hosts only.")
    return base_url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the host is this machine, by name or address, without asking any resolver."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _never_sent(error: requests.RequestException) -> bool:
    """True only if the request certainly did not reach the vendor.

    Refused connections, unknown names, connect time-outs and certificates that do not verify all
    come before the first byte of a request; everything else may have come after it.
    """
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError | ValueError):
        return True  # ValueError: requests refused the URL or a header by itself
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, transport.NewConnectionError | transport.ConnectTimeoutError):
        return True
    return "CERTIFICATE_VERIFY_FAILED" in str(reason)
