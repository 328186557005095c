"""Where a connection may go: URLs as they are written, and addresses as they are resolved.

A name is resolved once and the address that was checked is the one connected to: a name that
resolves differently a moment later changes nothing.
"""

import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpcore
import httpx

from eval_pipeline.errors import RefusedDestinationError
from eval_pipeline.settings import NetworkSettings

METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal"}
    | {"metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal"}
)
NEVER: Final = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16", "fe80::/10",  # link-local, with the metadata services of most clouds
        "fd00:ec2::/32", "fd20:ce::/32",  # metadata by IPv6: Amazon's and Google's
        "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",  # Alibaba, Azure, Oracle
        "224.0.0.0/4", "ff00::/8", "255.255.255.255/32",  # many machines at once
    )
)  # fmt: skip
_EMBEDDING: Final = ip_network("64:ff9b::/96")
"""IPv4 addresses as a network without IPv4 writes them."""

Address = IPv4Address | IPv6Address
Resolved = tuple[
    int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
]
"""An entry of `socket.getaddrinfo`."""


class RefusedAddressError(httpcore.ConnectError):
    """A name leads to addresses that may not be connected to; the message names no path."""


def checked_url(
    setting: str, text: str, *, network: NetworkSettings, carries_secret: bool
) -> httpx.URL:
    """The URL that a setting holds, as far as can be said without resolving its name.

    Raises `RefusedDestinationError` for a scheme other than http and https, for a name and password
    in it, for an address that is never connected to, and where a secret would go in plain text.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise RefusedDestinationError(setting, "is no address that begins with http:// or https://")
    if url.userinfo:
        raise RefusedDestinationError(
            setting, "holds a name or password; name an environment variable for secrets instead"
        )
    problem = _problem_with_host(url.host, network=network)
    if problem is not None:
        raise RefusedDestinationError(setting, f"names {problem}")
    is_plain = url.scheme == "http" and not on_this_machine(url.host)
    if carries_secret and is_plain and not network.plain_http_keys:
        raise RefusedDestinationError(
            setting,
            "would send a key in plain text to another machine; use https://, or set "
            "`network.plain_http_keys: true` if the way there is safe",
        )
    return url


def on_this_machine(host: str) -> bool:
    """Whether a host is written as loopback; a name is not resolved."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return _meant(address).is_loopback


def checked_addresses(
    host: str, found: Iterable[Resolved], *, network: NetworkSettings
) -> list[Resolved]:
    """What may be connected to of a name's addresses; raises `RefusedAddressError` if nothing."""
    entries = list(found)
    problems = [_problem_with_host(host, network=network)] * len(entries)
    problems = [
        problem or _problem_with(_address(str(entry[4][0])), network=network)
        for entry, problem in zip(entries, problems, strict=True)
    ]
    allowed = [entry for entry, problem in zip(entries, problems, strict=True) if problem is None]
    if not allowed:
        told = next((problem for problem in problems if problem), "no address")
        raise RefusedAddressError(f"{host} leads to {told}")
    return allowed


def resolved(host: str, port: int, *, network: NetworkSettings) -> Sequence[Resolved]:
    """The addresses of a name that may be connected to; raises `httpcore.ConnectError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    return checked_addresses(host, found, network=network)


def _problem_with_host(host: str, *, network: NetworkSettings) -> str | None:
    if host.rstrip(".").lower() in METADATA_NAMES:
        return f"'{host}', a cloud's metadata service, which is never connected to"
    address = _address(host)
    return None if address is None else _problem_with(address, network=network)


def _problem_with(address: Address | None, *, network: NetworkSettings) -> str | None:
    """Why an address is refused, in words; null where it may be connected to."""
    if address is None:
        return "something that is no address"
    meant = _meant(address)
    if any(meant in never for never in NEVER):
        return f"{address}, a link-local, metadata or multicast address, which is never allowed"
    if not meant.is_global and not network.private_addresses:
        return f"{address}, a private address, and `network.private_addresses` is false"
    return None


def _meant(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 address that stands for one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _EMBEDDING:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        return inner or address
    return address


def _address(text: str) -> Address | None:
    try:
        return ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
