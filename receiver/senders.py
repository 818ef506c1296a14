"""Who sent a request: the address at the other end, or what a proxy that we trust says of it."""

import ipaddress
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED = b"x-forwarded-for"
_MOST_HOPS = 32
_IPV6_SITE = 64  # whoever has one address of IPv6 has a whole network of them


def networks(entries: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(entry) for entry in entries)


def sender(peer: str | None, headers: Iterable[tuple[bytes, bytes]], trusted: Sequence[Network]) -> str | None:
    """The nearest address that no trusted proxy stands for. Anybody can write the header, so nobody else is believed."""
    address = _address(peer or "")
    if address is None:
        return None
    for hop in reversed(_hops(headers) if trusted else []):
        if not _is_trusted(address, trusted):
            break
        before = _address(hop)
        if before is None:
            break
        address = before
    return str(address)


def neighbourhood(address: str | None) -> str:
    """What shares one budget: an address of IPv4, a network of IPv6."""
    found = _address(address or "")
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, _IPV6_SITE), strict=False))
    return str(found)


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    lists = (value.decode("latin-1") for name, value in headers if name == _FORWARDED)
    return [hop.strip() for entry in lists for hop in entry.split(",")][-_MOST_HOPS:]


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        # A scope names one of our own interfaces, and a mapped address is the other family's in disguise.
        return found.ipv4_mapped or ipaddress.IPv6Address(int(found))
    return found
