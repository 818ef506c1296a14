"""An account with a history: batches that ended before anybody here looked."""

from datetime import timedelta

import pytest

from sandbox.batches import Batch
from sandbox.clock import Clock
from sandbox.endpoints import Endpoint
from sandbox.gateway import Gateway
from sandbox.generations import G2
from sandbox.history import AGE, add_history
from sandbox.listing import page
from sandbox.server import MOST_OLD, SandboxSettings
from sandbox.truth import true_batch


def account(many: int, speed: float = 1000) -> Gateway:
    clock = Clock(speed)
    endpoint = Endpoint("we", "sandbox", "http://127.0.0.1:1/", [], "secret", clock.now(), clock.now())
    gateway = Gateway(clock, "key", None, endpoint, "http://127.0.0.1:1", G2, 1)
    add_history(gateway, many)
    return gateway


@pytest.mark.parametrize("speed", [1, 60, 1000])
def test_old(speed: float) -> None:
    """Each of three hundred ended two days ago or earlier, in several ways, and nothing is left to notice or to send."""
    gateway = account(300, speed)
    accounts = [true_batch(batch, gateway) for batch in gateway.batches.values()]

    assert len(accounts) == 300
    assert all(each["settled"] and not each["sent"] and not each["recorded"] for each in accounts)
    assert {each["status"] for each in accounts} == {"completed", "failed", "expired"}
    assert all(gateway.clock.now() - batch.created_at >= AGE for batch in gateway.batches.values())


def test_behind_what_is_new() -> None:
    """The list shows what was touched lately first, so the old ones come after anything new."""
    gateway = account(300)
    found: list[Batch] = page(gateway.batches.values(), gateway.files, 100, None)

    assert len(found) == 100
    assert all(gateway.clock.now() - batch.updated_at > AGE - timedelta(minutes=10) for batch in found)


@pytest.mark.parametrize("many", [-1, MOST_OLD + 1])
def test_as_many_as_make_sense(many: int) -> None:
    """A number of old batches that makes no sense is refused with one that does."""
    with pytest.raises(ValueError, match=f"Use 0 to {MOST_OLD} old batches"):
        SandboxSettings(0, old_batches=many)
