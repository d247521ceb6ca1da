"""
The numbers that Prometheus asks for, in a registry of our own.

Labels are tenants' short codes and words of ours, so that there are as many series for ten
documents as for ten million. docs/telemetry.md says what each number means.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from approvals_core.models import Change, EventKind, Lane, Letter
from approvals_core.ports import Depth
from approvals_core.telemetry import Work

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)  # seconds
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0)  # seconds

# What becomes of decisions; the rest of what the history holds is about payloads and people.
OUTCOMES = frozenset(
    {
        EventKind.DECIDED,
        EventKind.ACCEPTED,
        EventKind.REFUSED,
        EventKind.POSTPONED,
        EventKind.UNCONFIRMED,
        EventKind.LATE_ANSWER,
        EventKind.RETURNED,
        EventKind.NOT_RECORDED,
        EventKind.SETTLED,
        EventKind.OVERDUE,
    }
)
OTHERS = "none"  # the label of what is about no tenant

Attributes = Mapping[str, str | int]


class Seen:
    """What is read when Prometheus asks. `depth` is None until the store told it once."""

    def __init__(
        self,
        *,
        oldest_card: Callable[[], float] = lambda: 0.0,
        paused: Callable[[], Mapping[str, bool]] = dict[str, bool],
    ) -> None:
        """
        *oldest_card* returns the age of the oldest card that is not current, in seconds.

        *paused* returns of the tenants that were called, by code, whether calls pause.
        """
        self._oldest_card = oldest_card
        self._paused = paused
        self.oldest_card = 0.0  # seconds
        self.paused: Mapping[str, bool] = {}  # by tenant's code
        self.store_up = False
        self.depth: Depth | None = None
        self.late: Mapping[Lane, float] = {}  # seconds
        self.dead: Mapping[str, int] = {}  # by tenant's code

    def take(self) -> None:
        """Note what is true now. On the loop: the text is made in a thread, while tenants are added."""
        self.oldest_card = self._oldest_card()
        self.paused = dict(self._paused())


class Metrics:
    """What was counted and measured in this process since it began."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._payloads = self._counter(
            "payloads",
            "Payloads that tenants posted, by what became of them.",
            *("tenant", "operation", "result"),
        )
        self._intake = self._histogram("intake_seconds", "Time to take a payload in.", QUICK)
        self._clicks = self._counter(
            "clicks", "Decisions that people sent, by what became of them.", "tenant", "result"
        )
        self._decisions = self._counter(
            "decisions", "What became of recorded decisions.", "tenant", "outcome"
        )
        self._calls = self._counter(
            "tenant_calls", "Calls of tenants' APIs.", "tenant", "call", "result"
        )
        self._call_time = self._histogram(
            "tenant_call_seconds",
            "Time until a tenant answered, with the wait for a free slot.",
            SLOW,
            *("tenant", "call"),
        )
        self._cards = self._counter(
            "cards", "Cards looked at, or sent anew, by how that ended.", "tenant", "work", "result"
        )
        self._mails = self._counter(
            "mails", "What became of mails.", "tenant", "occasion", "outcome"
        )
        self._commits = self._histogram(
            "store_commit_seconds", "Time until a change is durable.", QUICK, "result"
        )
        self._connector = self._counter("connector_calls", "Requests to Teams.", "call", "result")
        self._connector_time = self._histogram(
            "connector_call_seconds", "Time until Teams answered.", SLOW, "call"
        )
        self._connector_wait = self._histogram(
            "connector_wait_seconds", "Time for which Teams' limits made us wait.", SLOW
        )
        self._lag = self._histogram("loop_lag_seconds", "How late the event loop is.", QUICK)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"approvals_{name}", meaning, labels, registry=self._registry)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"approvals_{name}", meaning, labels, buckets=buckets, registry=self._registry
        )

    def watch(self, seen: Seen) -> None:
        """Show what *seen* holds, too, whenever the text is made."""
        self._registry.register(_Gauges(seen))

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all numbers in the form that the Accept header wants, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def ended(self, work: Work, attributes: Attributes, seconds: float) -> None:
        """Count a piece of work, and measure how long it took."""

        def label(name: str) -> str:
            return str(attributes.get(name, "")) or OTHERS

        tenant, outcome = label("tenant"), label("outcome")
        match work:
            case Work.INTAKE:
                self._payloads.labels(tenant, label("operation"), outcome).inc()
                self._intake.observe(seconds)
            case Work.COMMIT:
                self._commits.labels(outcome).observe(seconds)
            case Work.ACT:
                self._clicks.labels(tenant, outcome).inc()
            case Work.TENANT_CALL:
                self._calls.labels(tenant, label("call"), outcome).inc()
                self._call_time.labels(tenant, label("call")).observe(seconds)
            case Work.CONVERGE | Work.DELIVER:
                self._cards.labels(tenant, work.value, outcome).inc()
            case Work.CONNECTOR_WAIT:
                self._connector_wait.observe(seconds)
            case Work.CONNECTOR_CALL:
                self._connector.labels(label("call"), outcome).inc()
                self._connector_time.labels(label("call")).observe(seconds)

    def expect(self, codes: Iterable[str]) -> None:
        """
        Show decisions of these tenants by outcome from 0 on, as far as none is counted yet.

        Else the first would appear as a 1 out of nothing, which Prometheus takes for no increase.
        """
        for code in codes:
            for outcome in OUTCOMES:
                self._decisions.labels(code, outcome.value)

    def committed(self, change: Change) -> None:
        """Count what became of decisions and mails. A change is told of once, when it is durable."""
        if change.approval is None:
            return
        tenant = change.approval.id.partition("-")[0]
        for letter in change.letters:
            self._mails.labels(tenant, letter.occasion.value, _outcome(letter)).inc()
        for event in change.events:
            if event.kind in OUTCOMES:
                self._decisions.labels(tenant, event.kind.value).inc()

    def lagged(self, seconds: float) -> None:
        """Note that the event loop woke somebody that much late."""
        self._lag.observe(seconds)


def _outcome(letter: Letter) -> str:
    """Return what the newest change of a mail's line says: that it was opened, or its state."""
    return "seen" if letter.seen_at == letter.at else letter.state.value


class _Gauges(Collector):
    """What is true at the moment. Made anew each time, so that nothing old is shown."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        seen = self._seen
        yield _gauge("store_up", "1 if the store answered.", [((), float(seen.store_up))])
        oldest = [((), seen.oldest_card)]
        yield _gauge("oldest_card_seconds", "Age of the oldest card that is not current.", oldest)
        paused = [((code,), float(is_so)) for code, is_so in sorted(seen.paused.items())]
        yield _gauge("tenant_paused", "1 while we leave a tenant alone.", paused, "tenant")
        if seen.depth is not None:
            yield from _queue(seen.depth, seen.late)
            dead = [((code,), float(count)) for code, count in sorted(seen.dead.items())]
            yield _gauge("dead_letters", "Jobs that were given up.", dead, "tenant")


Samples = Sequence[tuple[tuple[str, ...], float]]


def _queue(depth: Depth, late: Mapping[Lane, float]) -> Iterable[Metric]:
    lanes = [(lane.name.lower(), lane, found) for lane, found in sorted(depth.lanes.items())]
    jobs: Samples = [((name,), float(found.jobs)) for name, _, found in lanes]
    due: Samples = [((name,), float(found.due)) for name, _, found in lanes]
    ages: Samples = [((name,), late.get(lane, 0.0)) for name, lane, _ in lanes]
    yield _gauge("jobs", "Jobs in the queue.", jobs, "lane")
    yield _gauge("jobs_due", "Jobs that are due.", due, "lane")
    yield _gauge("oldest_job_seconds", "For how long the oldest job is due.", ages, "lane")


def _gauge(name: str, meaning: str, samples: Samples, *labels: str) -> Metric:
    gauge = GaugeMetricFamily(f"approvals_{name}", meaning, labels=labels)
    for values, number in samples:
        gauge.add_metric(values, number)
    return gauge
