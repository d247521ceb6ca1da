"""Turns what lies in Redis into what moves, and back into the commands that write it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from approvals_core.adapters.redis_store.commits import card_field
from approvals_core.adapters.redis_store.keys import DEAD, ScopeKeys, hints, list_start
from approvals_core.adapters.redis_store.scripts import SWAP
from approvals_core.adapters.redis_store.wire import Command, call
from approvals_core.adapters.stored import micros_of
from approvals_core.errors import StoreRefused
from approvals_core.models.held import Document, Held, Kind, Value

PIECE = 1000  # parts of one command: the stack of Lua ends at about 8,000
_JOB = re.compile(r"(\d+)\|(\d+)\|([^|]*)\|(\d*)\|(\d+)\|(.*)", re.DOTALL)  # see the scripts
_ESCAPED = re.compile("\x1e([\x1e-])")


def hashes_of(keys: ScopeKeys) -> Mapping[Kind, str]:
    """Name the hash of each kind that has one."""
    return {
        Kind.PAYLOAD: keys.payloads,
        Kind.JOB: keys.jobs,
        Kind.DEAD_LETTER: keys.dead_letters,
        Kind.NOTE: keys.notes,
        Kind.TOMBSTONE: keys.tombstones,
        Kind.ARCHIVE_FILE: keys.archive_files,
    }


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Return the fields and values of an answer to HGETALL."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def reads_of(keys: ScopeKeys, key: str) -> Sequence[Command]:
    """Return what reads one request with all that lies beside it."""
    return (
        ("HGETALL", keys.approval(key)),
        ("HGETALL", keys.bodies(key)),
        ("LRANGE", keys.events(key), 0, -1),
        ("HGETALL", keys.receipts(key)),
        ("HGETALL", keys.letters(key)),
        ("ZRANGE", keys.letter_order(key), 0, -1, "WITHSCORES"),
    )


def document_of(key: str, answers: Sequence[Sequence[str]]) -> Document | None:
    """Return the request that `reads_of` answered with; None if there is none."""
    own, bodies, events, receipts, letters, order = answers
    fields, written = pairs(own), pairs(order)
    if "record" not in fields:
        return None
    return Document(
        key=key,
        id=_id_in(fields["record"]),
        version=int(fields["version"]),
        last_change=fields["change"],
        record=fields["record"],
        lists=tuple(sorted(_listed(member) for member in json.loads(fields.get("listed", "[]")))),
        bodies=tuple(sorted(pairs(bodies).items())),
        events=tuple(events),
        receipts=tuple(sorted((*_card(name), record) for name, record in pairs(receipts).items())),
        letters=tuple(
            sorted(
                (int(float(written[letter])), letter, record)
                for letter, record in pairs(letters).items()
            )
        ),
    )


def _id_in(record: str) -> str:
    try:
        return str(json.loads(record)["id"])
    except (ValueError, KeyError, TypeError) as problem:
        raise StoreRefused("The record of a request is no JSON: see `requests list`.") from problem


def _listed(member: str) -> tuple[str, int]:
    """Return list and time of a member of the sorted set of all lists (see `keys.listed`)."""
    name, at, _key = member.split("\x1f", 2)
    return _ESCAPED.sub(lambda found: "\x1f" if found[1] == "-" else "\x1e", name), int(at)


def _member(listed: tuple[str, int], key: str) -> str:
    name, at = listed
    return f"{list_start(name)}{at:018d}\x1f{key}"


def _card(field: str) -> tuple[int, str, str]:
    """Return round, person and channel of a receipt's name (see `commits.card_field`)."""
    round_, _, rest = field.partition("/")
    person, _, channel = rest.rpartition("/")
    return int(round_), person, channel


def keys_beside(keys: ScopeKeys, key: str) -> Sequence[str]:
    """Name all keys that are of one request alone."""
    letters = (keys.letters(key), keys.letter_order(key))
    return (
        *(keys.approval(key), keys.bodies(key), keys.events(key), keys.receipts(key)),
        *letters,
    )


def drops(keys: ScopeKeys, document: Document) -> Iterator[Command]:
    """Yield what takes a request away."""
    yield from (("DEL", name) for name in keys_beside(keys, document.key))
    yield ("HDEL", keys.ids, document.id)
    yield from (("ZREM", keys.lists, _member(each, document.key)) for each in document.lists)


def puts(keys: ScopeKeys, document: Document) -> Iterator[Command]:
    """Yield what writes a request; its version, which says that it is there, comes last."""
    key = document.key
    yield ("HSET", keys.ids, document.id, key)
    yield from _in_pieces("RPUSH", keys.events(key), document.events)
    yield from _in_pieces("HSET", keys.bodies(key), [p for pair in document.bodies for p in pair])
    cards = [(card_field(each[0], each[1], each[2]), each[3]) for each in document.receipts]
    yield from _in_pieces("HSET", keys.receipts(key), [part for card in cards for part in card])
    order = [part for at, letter, _record in document.letters for part in (at, letter)]
    yield from _in_pieces("ZADD", keys.letter_order(key), order)
    letters = [part for _at, *letter in document.letters for part in letter]
    yield from _in_pieces("HSET", keys.letters(key), letters)
    members = sorted(_member(each, key) for each in document.lists)
    yield from _in_pieces("ZADD", keys.lists, [part for member in members for part in (0, member)])
    fields = {
        "version": document.version,
        "change": document.last_change,
        "record": document.record,
        "listed": json.dumps(members),
    }
    yield ("HSET", keys.approval(key), *(part for field in fields.items() for part in field))


def together(
    keys: ScopeKeys,
    key: str,
    commands: Sequence[Command],
    *,
    version: str = "",
    guarded: tuple[Sequence[str], str] = ((), ""),
) -> Command:
    """
    Return the call that runs all *commands*, or none if the request is not of that *version*.

    *guarded* is what `Guard.of` returns: none of them is run on a store that is closed then.
    """
    own = keys.approval(key)
    touched = [own, *sorted({str(command[1]) for command in commands} - {own})]
    flat = [part for command in commands for part in (len(command), *command)]
    about, store = guarded
    return call(SWAP, [*touched, *about], [version, store, *flat])


def _in_pieces(name: str, key: str, parts: Sequence[str | int]) -> Iterator[Command]:
    for start in range(0, len(parts), PIECE):
        yield (name, key, *parts[start : start + PIECE])


def put(keys: ScopeKeys, held: Held) -> Iterator[Command]:
    """Yield what writes one thing within its scope."""
    name, values = held.name, [_text(value) for value in held.values]
    match held.kind:
        case Kind.NOTE | Kind.TOMBSTONE | Kind.ARCHIVE_FILE:
            yield ("HSET", hashes_of(keys)[held.kind], name, *values)
        case Kind.DEAD_LETTER:
            yield ("HSET", keys.dead_letters, name, values[-1])
        case Kind.CONTACT:
            version, change, record = values
            yield ("HSET", keys.contact, "version", version, "change", change, "record", record)
        case Kind.PAYLOAD:
            yield from _put_payload(keys, held)
        case Kind.JOB:
            lane, due, next_, token, again, failures, record = values
            text = f"{lane}|{due}|{token}|{again}|{failures}|{record}"
            yield ("HSET", keys.jobs, name, text)
            yield ("ZADD", keys.lanes[int(lane)], next_, name)


def hinted(scope: str, held: Held) -> Iterator[Command]:
    """Yield what tells the house where there is work (see the queue)."""
    if held.kind is Kind.DEAD_LETTER:
        yield ("SADD", DEAD, scope)
    elif held.kind is Kind.JOB:
        lane, _due, next_, *_ = (_text(value) for value in held.values)
        yield ("ZADD", hints(lane), "LT", next_, scope)


def _put_payload(keys: ScopeKeys, held: Held) -> Iterator[Command]:
    digest, at, late, record = held.values
    yield ("HSET", keys.payloads, held.name, _text(record))
    yield ("HSET", keys.digests, _text(digest), held.name)
    if at is not None:
        member = _log_member(int(at), held.name)
        yield ("ZADD", keys.payload_log, 0, member)
        if late:
            yield ("ZADD", keys.late, 0, member)


def drop_payload(keys: ScopeKeys, held: Held) -> Iterator[Command]:
    """Yield what takes a payload away."""
    digest, at, _late, _record = held.values
    yield ("HDEL", keys.payloads, held.name)
    yield ("HDEL", keys.digests, _text(digest))
    if at is not None:
        member = _log_member(int(at), held.name)
        yield ("ZREM", keys.payload_log, member)
        yield ("ZREM", keys.late, member)


def _log_member(at: int, name: str) -> str:
    return f"{at:018d}\x1f{name}"


def member_of_log(name: str, record: str) -> str:
    """Return a payload's member in the logs."""
    at = digest_and_time(record)[1]
    return _log_member(int(at or 0), name)


def digest_and_time(record: str) -> tuple[Value, Value]:
    """Return a payload's digest and arrival in microseconds, "" and None if nobody can read them."""
    try:
        read = json.loads(record)
        return str(read["digest"]), micros_of(read["received_at"])
    except (ValueError, KeyError, TypeError):
        return "", None


def values_of(kind: Kind, text: str) -> tuple[Value, ...]:
    """Return the values of a dead letter, or of what has but one."""
    if kind is Kind.DEAD_LETTER:
        return micros_of(json.loads(text)["at"]), text
    return (text,)


def job_values(scope: str, name: str, text: str, scores: Sequence[str | None]) -> tuple[Value, ...]:
    """
    Return the values of a job; *scores* are its times in each lane, of which one has it.

    Raises:
        StoreRefused: Its text is none (see the scripts).
    """
    read = _JOB.fullmatch(text)
    next_ = next((score for score in scores if score is not None), None)
    if read is None or next_ is None:
        raise StoreRefused(f"The job {name} of {scope} cannot be read: see `jobs`.")
    lane, due, token, again, failures, record = read.groups()
    return (
        *(int(lane), int(due), int(float(next_))),
        *(token or None, int(again) if again else None, int(failures), record),
    )


def _text(value: Value) -> str:
    return "" if value is None else str(value)
