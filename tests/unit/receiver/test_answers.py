"""What the receiver says."""

import json

import pytest

from receiver import answers
from schemas.words import RefusalReason
from storage.ledger import Kept


class TestAccepted:
    def test_the_acknowledgement(self) -> None:
        """Our ids in the order that people read them, and 200 for what was known."""
        first, again = answers.accepted(Kept(5, 6, False), False), answers.accepted(Kept(7, 6, True), True)
        assert first.body == b'{"receipt":"rcp_0000000000005","delivery":"dlv_0000000000006","duplicate":false}'
        assert json.loads(again.body) == {
            "receipt": "rcp_0000000000007",
            "delivery": "dlv_0000000000006",
            "duplicate": True,
            "unreadable": True,
        }
        assert (first.status, again.status) == (202, 200)


class TestRefusals:
    def test_every_reason_has_an_answer(self) -> None:
        """Whatever is not said otherwise is about authenticity, and that is one answer."""
        unauthentic = {reason for reason, answer in answers.REFUSALS.items() if answer is answers.UNAUTHENTIC}
        assert set(answers.REFUSALS) == set(RefusalReason)
        assert {reason.split("_")[0] for reason in unauthentic} == {"signature", "timestamp", "header"}

    @pytest.mark.parametrize("answer", [*answers.REFUSALS.values(), answers.HEAD_TOO_LARGE, answers.NOT_GET])
    def test_refusals_are_short_and_never_lead_away(self, answer: answers.Answer) -> None:
        """JSON with one word of why; never a redirect, never 410, and 503 alone of the 5xx, with a time to come again."""
        assert json.loads(answer.body).keys() == {"error"}
        assert 400 <= answer.status < 500 or answer.status == 503
        assert answer.status != 410
        names = {name for name, _ in answer.headers}
        assert (b"retry-after" in names) == (answer.status in (429, 503))

    def test_on_a_connection_without_a_request(self) -> None:
        """The same answer as bytes says that it is the last."""
        head, _, body = answers.TOO_SLOW.wire().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"connection: close" in head.split(b"\r\n")
        assert f"content-length: {len(body)}".encode() in head.split(b"\r\n")
