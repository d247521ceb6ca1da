"""What one request's history must say, beside what was sent about it and what its tenant did."""

from collections import Counter
from collections.abc import Iterator, Sequence

from approvals_core.models import Approval, EventKind, HistoryEvent, PlaceState
from tests.soak.machines_cases import DELETE, Case, Post

NOT_TAKEN = (EventKind.RETURNED, EventKind.REFUSED)  # events that say: the tenant has it not


def taken_in(posts: Sequence[Post], history: Sequence[HistoryEvent]) -> Iterator[str]:
    """Each payload that was acknowledged counted once, under one id."""
    kinds = (EventKind.RECEIVED, EventKind.SUPERSEDED)
    counted = Counter(event.facts["payload"] for event in history if event.kind in kinds)
    for post in posts:
        ids = set(post.payloads)
        if len(ids) != 1:
            yield f"a payload was taken under {len(ids)} ids"
        yield from (
            f"payload {one} counted {counted[one]} times" for one in ids if counted[one] != 1
        )
    if len(counted) > len(posts):
        yield f"{len(counted)} payloads counted, and {len(posts)} were sent"


def stands(case: Case, approval: Approval) -> Iterator[str]:
    """Whom the newest word asks is asked, nobody else, and about the newest content."""
    posts = sorted((post.arx for post in case.posts), key=lambda arx: arx["OperationDateTime"])
    asked: dict[str, bool] = {}
    for arx in posts:
        asked |= dict.fromkeys(arx["DeleteFor"], False)
        asked |= dict.fromkeys((one["Alias"] for one in arx["Approvers"] or ()), True)
    stands = {place.alias: place.state is not PlaceState.REMOVED for place in approval.places}
    stands = dict.fromkeys(asked, False) | stands
    if stands != asked:
        yield f"asks {stands}, and should {asked}"
    title = [arx for arx in posts if arx["Operation"] != DELETE][-1]["SummaryData"]["Title"]
    content = approval.content
    if content is None or content.title != title:
        yield f"has the content {content}, and should be called {title}"


def decided(case: Case, history: Sequence[HistoryEvent]) -> Iterator[str]:
    """Every decision was posted, or was given back without the tenant having it, or its ARX ended it."""
    taken, known = case.taken(), _decisions(history)
    yield from (f"{key} is at the tenant, and not recorded" for key in taken if key not in known)
    for decision, kinds in known.items():
        if decision in taken:
            if kinds & set(NOT_TAKEN):
                yield f"{decision} was given back, and the tenant has it"
        elif EventKind.ACCEPTED in kinds:
            yield f"{decision} is accepted, and the tenant has it not"
        elif not kinds & {*NOT_TAKEN, EventKind.SETTLED}:
            yield f"{decision} was never posted"


def _decisions(history: Sequence[HistoryEvent]) -> dict[str, set[EventKind]]:
    """Return what is recorded of each decision."""
    known: dict[str, set[EventKind]] = {}
    for event in history:
        if event.kind is EventKind.DECIDED:
            known[event.facts["decision"]] = set()
        elif event.facts.get("decision") in known:
            known[event.facts["decision"]].add(event.kind)
    return known
