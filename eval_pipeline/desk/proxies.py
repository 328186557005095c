"""Whose word is believed about who sent a request: the direct peer's, if it is a trusted proxy."""

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

NO_ADDRESS: Final = "unknown"
FORWARDED_FOR: Final = "x-forwarded-for"

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AmbiguousIdentityError(Exception):
    """The proxy's header names nobody or several people, so nobody is signed in."""


class TrustedProxies:
    """Reads what a trusted proxy adds to a request; from anyone else the same headers say nothing.

    `networks` are addresses or networks as in `10.0.0.0/8`; raises `ValueError` for others.
    """

    def __init__(self, networks: Sequence[str], *, header: str | None) -> None:
        self._networks = tuple(ipaddress.ip_network(network, strict=False) for network in networks)
        self._header = header

    def named_by(self, request: Request) -> str | None:
        """Whom a trusted proxy says this is; None without its word.

        Raises `AmbiguousIdentityError` where the header stands twice, is empty or holds a list.
        """
        if self._header is None or not self._trusts(_peer(request)):
            return None
        values = request.headers.getlist(self._header)
        if not values:
            return None
        name = values[0].strip()
        if len(values) > 1 or not name or "," in name or not name.isprintable():
            raise AmbiguousIdentityError
        return name

    def address_of(self, request: Request) -> str:
        """The nearest address that is no trusted proxy's, for counting failed sign-ins."""
        peer = _peer(request)
        hops = _forwarded(request.headers) if self._trusts(peer) else []
        address = peer
        for hop in reversed(hops):
            address = _parsed(hop)
            if address is None or not self._trusts(address):
                break
        return NO_ADDRESS if address is None else str(address)

    def _trusts(self, address: _Address | None) -> bool:
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )


def _peer(request: Request) -> _Address | None:
    return None if request.client is None else _parsed(request.client.host)


def _forwarded(headers: Headers) -> list[str]:
    return [hop for value in headers.getlist(FORWARDED_FOR) for hop in value.split(",")]


def _parsed(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
