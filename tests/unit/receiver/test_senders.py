"""Who sent a request."""

import pytest

from receiver.senders import neighbourhood, networks, sender

PROXIES = networks(["10.0.0.0/8", "2001:db8::/32"])


def forwarded(*values: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value) for value in values]


class TestSender:
    @pytest.mark.parametrize(
        ("peer", "values", "expected"),
        [
            ("192.0.2.1", [b"1.1.1.1"], "192.0.2.1"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", [b"192.0.2.9"], "192.0.2.9"),
            ("10.0.0.1", [b"1.1.1.1, 192.0.2.9"], "192.0.2.9"),
            ("10.0.0.1", [b"1.1.1.1", b"192.0.2.9"], "192.0.2.9"),
            ("10.0.0.1", [b"192.0.2.9, 10.0.0.2"], "192.0.2.9"),
            ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", [b"192.0.2.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", [b""], "10.0.0.1"),
            ("2001:db8::1", [b"2606::5"], "2606::5"),
            ("::ffff:10.0.0.1", [b"192.0.2.9"], "192.0.2.9"),
            ("fe80::1%eth0", [], "fe80::1"),
            ("testclient", [], None),
            (None, [b"192.0.2.9"], None),
        ],
    )
    def test_the_nearest_that_no_proxy_stands_for(
        self, peer: str | None, values: list[bytes], expected: str | None
    ) -> None:
        """Read from the right, as far as the proxies that are trusted go."""
        assert sender(peer, forwarded(*values), PROXIES) == expected

    def test_without_proxies_nobody_is_believed(self) -> None:
        """Anybody can write the header."""
        assert sender("127.0.0.1", forwarded(b"192.0.2.9"), ()) == "127.0.0.1"

    def test_a_long_list_is_read_in_part(self) -> None:
        """Ten thousand hops cost no more than a few."""
        hops = b", ".join([b"10.0.0.1"] * 10_000)
        assert sender("10.0.0.1", forwarded(hops), PROXIES) == "10.0.0.1"


class TestNeighbourhood:
    def test_who_shares_a_budget(self) -> None:
        """An address of IPv4 stands for itself, one of IPv6 for its network, and an unknown one for all unknown ones."""
        assert neighbourhood("192.0.2.1") == "192.0.2.1"
        assert neighbourhood("2606:4700::1") == neighbourhood("2606:4700::ffff") == "2606:4700::/64"
        assert neighbourhood(None) == neighbourhood("nonsense")
