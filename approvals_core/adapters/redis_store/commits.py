"""Turns a change into the one script call that commits it."""

from collections.abc import Sequence

import orjson

from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.keys import ScopeKeys, late_member, listed
from approvals_core.adapters.redis_store.scripts import COMMIT
from approvals_core.adapters.redis_store.wire import Command, call
from approvals_core.adapters.stored import key_text, micros
from approvals_core.models import LATE, Approval, Change, Contact, Job, Letter, Payload, Receipt


def commit_call(change: Change, guard: Guard) -> Command:
    """
    Return the call of the commit script.

    What depends on what is stored goes in the plan; the rest are plain commands, run
    once the script found that the change fits.
    """
    keys = ScopeKeys(change.scope)
    writes = [command for command in _writes(keys, change) if len(command) > len(_NOTHING)]
    own = keys.approval(key_text(change.approval.key) if change.approval else "")
    touched = [keys.jobs, *keys.lanes, own, keys.contact, keys.lists]
    touched += sorted({str(command[1]) for command in writes} - set(touched))
    commands = [*writes, *_versions(keys, change)]
    flat = [part for command in commands for part in (len(command), *command)]
    about, store = guard.of(change.scope)
    return call(COMMIT, [*touched, *about], [_plan(change, len(writes), store), *flat])


def card_field(round_: int, person: str, channel: str) -> str:
    """Name one card's receipt among those of its approval; so they sort by round."""
    return f"{round_:06d}/{person}/{channel}"


PARTS = 1000  # of one command; even, for HSET takes pairs
_NOTHING = ("HSET", "key")  # a command without fields


def _plan(change: Change, plain: int, store: str) -> str:
    """Return what the script decides on. All of it is text; see the script."""
    approval, contact, finish = change.approval, change.contact, change.finish
    held = change.held
    plan = {
        "store": store,
        "id": change.id,
        "approval": str(approval.version) if approval else "",
        "contact": str(contact.version) if contact else "",
        "listed": orjson.dumps(listed(approval)).decode() if approval else "[]",
        "finish_job": finish.job if finish else "",
        "finish_token": finish.token if finish else "",
        "held_job": held.job if held else "",
        "held_token": held.token if held else "",
        "jobs": [_job(change, job) for job in change.jobs],
        "plain": str(plain),
    }
    return orjson.dumps(plan).decode()


def _job(change: Change, job: Job) -> dict[str, str]:
    claim = change.claim if change.claim and change.claim.job == job.key else None
    return {
        "key": job.key,
        "lane": str(job.lane.value),
        "due": str(micros(job.due)),
        "token": claim.token if claim else "",
        "ends": str(micros(claim.until)) if claim else "",
        "record": job.model_dump_json(),
    }


def _writes(keys: ScopeKeys, change: Change) -> Sequence[Command]:
    writes: list[Command] = []
    if change.approval:
        writes += _approval(keys, change, change.approval)
    writes += [_receipt(keys, receipt) for receipt in change.receipts]
    for letter in change.letters:
        writes += _letter(keys, letter)
    if change.payload:
        writes += _payload(keys, change.payload)
    if change.answers:
        writes.append(("HDEL", keys.dead_letters, change.answers))
    if dead := change.dead:
        writes.append(("HSET", keys.dead_letters, dead.id, dead.model_dump_json()))
    writes += _notes(keys, change)
    return [piece for command in writes for piece in _in_pieces(command)]


def _in_pieces(command: Command) -> Sequence[Command]:
    """Cut a command into ones that Lua can unpack: its stack ends at about 8,000 parts."""
    head, rest = command[:2], command[2:]
    starts = range(0, max(len(rest), 1), PARTS)
    return [(*head, *rest[start : start + PARTS]) for start in starts]


def _versions(keys: ScopeKeys, change: Change) -> Sequence[Command]:
    """Return what says that the change is there: a script that failed before it is no commit."""
    versions: list[Command] = []
    if change.approval:
        own = keys.approval(key_text(change.approval.key))
        versions.append(_versioned(own, change, change.approval))
    if change.contact:
        versions.append(_versioned(keys.contact, change, change.contact))
    return versions


def _approval(keys: ScopeKeys, change: Change, approval: Approval) -> Sequence[Command]:
    key, bodies = key_text(approval.key), change.bodies.items()
    texts = [part for name, text in bodies if text is not None for part in (name, text)]
    return [
        ("HSET", keys.ids, approval.id, key),
        ("RPUSH", keys.events(key), *(event.model_dump_json() for event in change.events)),
        ("HDEL", keys.bodies(key), *(name for name, text in bodies if text is None)),
        ("HSET", keys.bodies(key), *texts),
    ]


def _notes(keys: ScopeKeys, change: Change) -> Sequence[Command]:
    notes = change.notes.items()
    texts = [part for name, text in notes if text is not None for part in (name, text)]
    return [
        ("HDEL", keys.notes, *(name for name, text in notes if text is None)),
        ("HSET", keys.notes, *texts),
    ]


def _versioned(key: str, change: Change, record: Approval | Contact) -> Command:
    versions = ("version", record.version, "change", change.id)
    return ("HSET", key, *versions, "record", record.model_dump_json())


def _payload(keys: ScopeKeys, payload: Payload) -> Sequence[Command]:
    writes: list[Command] = [
        ("HSET", keys.payloads, payload.id, payload.model_dump_json()),
        ("HSET", keys.digests, payload.digest, payload.id),
        ("ZADD", keys.payload_log, 0, late_member(payload.received_at, payload.id)),
    ]
    if payload.disposition in LATE:
        writes.append(("ZADD", keys.late, 0, late_member(payload.received_at, payload.id)))
    return writes


def _receipt(keys: ScopeKeys, receipt: Receipt) -> Command:
    own = keys.receipts(key_text(receipt.approval))
    field = card_field(receipt.round, str(receipt.person), receipt.channel)
    return ("HSET", own, field, receipt.model_dump_json())


def _letter(keys: ScopeKeys, letter: Letter) -> Sequence[Command]:
    own = key_text(letter.approval)
    return [
        ("ZADD", keys.letter_order(own), "NX", micros(letter.at), letter.id),
        ("HSET", keys.letters(own), letter.id, letter.model_dump_json()),
    ]
