"""Create calls that go wrong between gateway and provider (contract 3.1, 3.2, 4.4).

Two of them leave a batch alive whose id at the provider the gateway does not know: stored as `submission_unknown` or
`submitting`, its list says so, and asked about it the provider is asked for the gateway's id, which it never heard of. After
two minutes the gateway finds it at the provider, and tells of its creation; the contract does not say how long that takes.
What the provider refuses outright leaves a failed job behind, which nobody is told of and the provider does not know.
Two others leave a batch that is well in every way, and a caller who was not told its id.

G1 has the provider's ids and stores nothing before it has one, so a refusal leaves nothing behind there, and the other words
are refused.
"""

from sandbox.batches import Batch, Order
from sandbox.errors import native, nested, unanswered, uncaught
from sandbox.gateway import Gateway
from sandbox.scenarios import Scenario

UNTOLD = {"create_lost": unanswered, "create_uncaught": uncaught}
UNSURE = {"create_unknown": "upstream_outcome_unknown", "create_unstored": "async_job_persistence_failed"}


def submit(gateway: Gateway, order: Order, scenario: Scenario) -> Batch:
    """Make the batch, and answer as the scenario wants it.

    Raises:
        Refused: the create call has failed, whatever became of the batch. The contract gives one word for the answers that
            are not sure; type and reason are both that word.
    """
    if "create_unavailable" in scenario:
        raise nested(503, "service_unavailable", "batch_submission_persistence_failed", "Nothing was submitted.")
    if "create_refused" in scenario:
        if gateway.generation.stores_submissions:
            gateway.create(order, scenario)
        raise native(400, "The provider takes no batch like this one.")
    batch = gateway.create(order, scenario)
    for word, failure in UNTOLD.items():
        if word in scenario:
            raise failure()
    for word, kind in UNSURE.items():
        if word in scenario:
            raise nested(502, kind, kind, "What became of the submission is not known.", batch_id=batch.id)
    return batch
