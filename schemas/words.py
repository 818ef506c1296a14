"""The closed sets of words. Each means one thing, in code, tables, URLs, logs and pages alike."""

from enum import StrEnum


class Status(StrEnum):
    """The normalised state of a job. What the provider itself says stands beside it as `native_status`."""

    UNKNOWN = "unknown"  # nobody has asked yet
    PENDING = "pending"  # accepted, not at work
    RUNNING = "running"  # at work, or winding up
    PAUSED = "paused"  # held back, may go on
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
OPEN = frozenset(Status) - TERMINAL


class Basis(StrEnum):
    """What a job's terminal status rests on."""

    OBSERVED = "observed"  # the provider said so in answer to a question of ours
    INFERRED = "inferred"  # the provider denied knowing the job, often and long enough for its dialect's rule


class Verdict(StrEnum):
    """How a receipt compares with what we know of its job."""

    AGREES = "agrees"
    DISAGREES = "disagrees"  # the provider must be asked
    STALE = "stale"  # about a time before the end that we already know
    CONFLICT = "conflict"  # two different ends are claimed
    UNKNOWN_JOB = "unknown_job"
    UNREADABLE = "unreadable"

    @property
    def strength(self) -> int:
        """A delivery shows the strongest verdict of its receipts."""
        return _STRENGTH[self]


_STRENGTH = {
    Verdict.UNREADABLE: 0,
    Verdict.UNKNOWN_JOB: 1,
    Verdict.STALE: 2,
    Verdict.AGREES: 3,
    Verdict.DISAGREES: 4,
    Verdict.CONFLICT: 5,
}


class Asked(StrEnum):
    """The question that an observation answers."""

    POLL = "poll"
    CANCEL = "cancel"
    SUBMIT = "submit"
    LIST = "list"
    SOCKET = "socket"

    @property
    def is_decisive(self) -> bool:
        """A list lags and a socket reads a copy: their word never ends a job."""
        return self in {Asked.POLL, Asked.CANCEL, Asked.SUBMIT}


class Category(StrEnum):
    """The three things that can go wrong with a job."""

    EXECUTION = "execution"
    CANCELLATION = "cancellation"
    DELIVERY = "delivery"


class Code(StrEnum):
    """What exactly went wrong. `docs/failures.md` explains each."""

    FAILED = "failed"
    EXPIRED = "expired"
    ROWS_FAILED = "rows_failed"
    OUTPUT_MISSING = "output_missing"

    CANCELLED_BY_OPERATOR = "cancelled_by_operator"
    CANCELLED_BY_AUTOMATION = "cancelled_by_automation"
    CANCELLED_ELSEWHERE = "cancelled_elsewhere"
    NOT_CANCELLABLE = "not_cancellable"
    REFUSED = "refused"
    TOO_LATE = "too_late"
    STUCK = "stuck"

    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    NEVER_ATTEMPTED = "never_attempted"
    PHANTOM = "phantom"
    LOST_HERE = "lost_here"
    MISSING = "missing"


class Trouble(StrEnum):
    """Reconciliation trouble: what is wrong with our own asking. It is never a failure of the job."""

    KEY_REFUSED = "key_refused"  # 401 or 403 about our own key: the whole source waits
    RATE_LIMITED = "rate_limited"
    GATEWAY = "gateway"  # the provider answers with an error of its own
    UPSTREAM = "upstream"  # the system behind the provider answers with an error, passed through
    REQUEST = "request"  # the provider refuses our question itself
    UNREADABLE = "unreadable"  # an answer that is not what the contract says
    WRONG_JOB = "wrong_job"  # an answer about another job than the one asked about
    REDIRECTED = "redirected"
    TOO_LARGE = "too_large"
    ENCODED = "encoded"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not_found"  # the provider denies knowing the job
    STILL_OPEN = "still_open"  # reported terminal a while ago, and its status endpoint still says open
    POISON = "poison"  # an error of ours while applying an answer


class SourceRule(StrEnum):
    """What can be found about a whole source. `docs/failures.md` explains each."""

    WEBHOOKS_SILENT = "webhooks_silent"  # its jobs end, and no webhook says so
    WRONG_SECRET = "wrong_secret"  # noqa: S105  (requests are refused because their signature does not match)
    CLOCK_SKEW = "clock_skew"  # requests are refused because of the time that they were signed at
    OTHER_SCHEME = "other_scheme"  # requests are refused because they are not signed as its dialect says
    REQUESTS_REFUSED = "requests_refused"  # authentic or not, they cannot be taken in
    OWN_CLOCK = "own_clock"  # our clock and the provider's are apart
    ASKING_FAILS = "asking_fails"  # nothing about the whole source can be asked


class RefusalReason(StrEnum):
    """Why a request was not accepted. The sender is told only the status code."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_DOUBLED = "signature_doubled"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_WRONG = "signature_wrong"
    TIMESTAMP_MISSING = "timestamp_missing"
    TIMESTAMP_DOUBLED = "timestamp_doubled"
    TIMESTAMP_MALFORMED = "timestamp_malformed"
    TIMESTAMP_STALE = "timestamp_stale"
    TIMESTAMP_FUTURE = "timestamp_future"
    HEADER_CONTRADICTS = "header_contradicts"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    ENCODED = "encoded"
    FRAMING = "framing"
    UNKNOWN_SOURCE = "unknown_source"
    METHOD = "method"
    FLOOD = "flood"
    NOT_STORED = "not_stored"


MENDABLE = frozenset({RefusalReason.SIGNATURE_WRONG, RefusalReason.TIMESTAMP_STALE, RefusalReason.TIMESTAMP_FUTURE})
"""What may have been authentic all the same: if the secret or the clock was wrong, and not the request."""


class Origin(StrEnum):
    """Who first told us of a job."""

    SUBMIT = "submit"
    TRACK = "track"
    DELIVERY = "delivery"
    SWEEP = "sweep"


class ActionVerb(StrEnum):
    """What an operator or automation can ask for."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    POLL = "poll"
    REPLAY = "replay"


class ActionState(StrEnum):
    """Where an action stands."""

    ASKED = "asked"  # stored, not yet sent
    ACCEPTED = "accepted"  # the provider said yes; the job's own status tells whether it came true
    REFUSED = "refused"  # the provider said no
    NOT_CANCELLABLE = "not_cancellable"  # neither this dialect nor the provider behind it can
    MOOT = "moot"  # the job had already ended when its turn came
    NO_EFFECT = "no_effect"  # the provider said yes, and the job's own status says that nothing came of it
    DONE = "done"  # nothing more to wait for


class AskedBy(StrEnum):
    OPERATOR = "operator"
    AUTOMATION = "automation"


class SubmissionState(StrEnum):
    """How far a submission came. Stored before the provider is asked."""

    STORED = "stored"
    UPLOADED = "uploaded"
    CREATING = "creating"  # the create has left, or is about to
    UNCLEAR = "unclear"  # its answer was lost or told nothing: the provider's list is looked through for the job
    CREATED = "created"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"  # the provider may or may not have made the job; a person decides
    DROPPED = "dropped"  # withdrawn before the create was sent

    @property
    def is_over(self) -> bool:
        """No job will come of it any more."""
        return self in {SubmissionState.REFUSED, SubmissionState.DROPPED}


class Policy(StrEnum):
    """What becomes of a group when one of its members ends badly."""

    WAIT_FOR_ALL = "wait_for_all"
    FAIL_FAST = "fail_fast"  # the others are cancelled


class OutputRole(StrEnum):
    """What a file of a job holds. Rows are matched by custom id; content is kept as it is."""

    OUTPUT = "output"
    ERROR = "error"
    RESULTS = "results"  # the rows of a job without files, as the provider's results endpoint tells them
    CONTENT = "content"  # what a job made that has no rows, such as a video


class OutputState(StrEnum):
    """What we know of one file of a job."""

    NAMED = "named"  # the job names it; nobody has looked
    EXISTS = "exists"  # the provider showed us its record
    FETCHED = "fetched"  # it is among our files, whole
    PARKED = "parked"  # there is no room for it, or it is over the cap: it is fetched when that has changed
    UNREADABLE = "unreadable"  # it stayed out of reach for longer than the patience for it


class HandoffState(StrEnum):
    """Where a hand-off stands."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"  # tried as often as it may be; an operator replays it
    WITHDRAWN = "withdrawn"  # what it would have told does not hold any more


class AttemptOutcome(StrEnum):
    """How an attempt to deliver ended, by the provider's own account."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    GIVEN_UP = "given_up"
    OTHER = "other"
