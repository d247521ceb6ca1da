"""Writes one change: every statement of it, or none."""

import sqlite3
from collections.abc import Collection

from approvals_core.adapters.sqlite_store import jobs
from approvals_core.adapters.stored import key_text, micros
from approvals_core.errors import VersionConflict
from approvals_core.models import LATE, Approval, Change, Contact, Payload, Receipt, entries


def apply(connection: sqlite3.Connection, change: Change) -> None:
    """
    Write *change* inside the caller's savepoint.

    Raises:
        VersionConflict, LeaseLost: As `Store.commit`; roll the savepoint back.
    """
    if _already_done(connection, change):
        return
    if change.held:
        jobs.check_held(connection, change.held)
    if change.finish:
        jobs.finish(connection, change.finish)
    if change.approval is None or change.approval.version == 1:  # else it is there
        connection.execute("INSERT OR IGNORE INTO scopes VALUES (?)", (change.scope,))
    if change.approval:
        _write_approval(connection, change, change.approval)
    _write_beside(connection, change)
    jobs.ask(connection, change)


def _already_done(connection: sqlite3.Connection, change: Change) -> bool:
    """Set the versions first, so that the usual case needs no look at what was there."""
    set_all = (change.approval is None or _set_approval(connection, change, change.approval)) and (
        change.contact is None or _set_contact(connection, change, change.contact)
    )
    if set_all:
        return False
    if change.id in _last_changes(connection, change):
        return True
    raise VersionConflict(f"{change.scope} was changed meanwhile")


def _set_approval(connection: sqlite3.Connection, change: Change, approval: Approval) -> bool:
    key, record = key_text(approval.key), approval.model_dump_json()
    if approval.version == 1:
        done = connection.execute(
            "INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (change.scope, key, approval.id, approval.version, change.id, record),
        )
    else:
        done = connection.execute(
            "UPDATE approvals SET version = ?, last_change = ?, record = ?"
            " WHERE scope = ? AND key = ? AND version = ?",
            (approval.version, change.id, record, change.scope, key, approval.version - 1),
        )
    return done.rowcount == 1


def _set_contact(connection: sqlite3.Connection, change: Change, contact: Contact) -> bool:
    record = contact.model_dump_json()
    if contact.version == 1:
        done = connection.execute(
            "INSERT INTO contacts VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (change.scope, contact.version, change.id, record),
        )
    else:
        done = connection.execute(
            "UPDATE contacts SET version = ?, last_change = ?, record = ?"
            " WHERE scope = ? AND version = ?",
            (contact.version, change.id, record, change.scope, contact.version - 1),
        )
    return done.rowcount == 1


def _last_changes(connection: sqlite3.Connection, change: Change) -> set[str]:
    """Return the ids under which the change's approval and contact were last saved."""
    key = key_text(change.approval.key) if change.approval else None
    rows = connection.execute(
        "SELECT last_change FROM approvals WHERE scope = ? AND key = ?"
        " UNION SELECT last_change FROM contacts WHERE scope = ? AND ?",
        (change.scope, key, change.scope, change.contact is not None),
    )
    return {row[0] for row in rows}


def _write_approval(connection: sqlite3.Connection, change: Change, approval: Approval) -> None:
    own = (change.scope, key_text(approval.key))
    _write_entries(connection, own, approval)
    _many(
        connection,
        "INSERT INTO events VALUES (?, ?, ?, ?)",
        [(*own, event.seq, event.model_dump_json()) for event in change.events],
    )
    _many(
        connection,
        "DELETE FROM bodies WHERE scope = ? AND key = ? AND name = ?",
        [(*own, name) for name, text in change.bodies.items() if text is None],
    )
    _many(
        connection,
        "INSERT OR REPLACE INTO bodies VALUES (?, ?, ?, ?)",
        [(*own, name, text) for name, text in change.bodies.items() if text is not None],
    )


def _write_entries(
    connection: sqlite3.Connection, own: tuple[str, str], approval: Approval
) -> None:
    """Write the lists in which the approval of scope and key *own* stands now, and those alone."""
    listed = {(*own, e.list, micros(e.at)) for e in entries(approval)}
    stored = set(
        connection.execute(
            "SELECT scope, key, list, at FROM entries WHERE scope = ? AND key = ?", own
        )
    )
    _many(
        connection,
        "DELETE FROM entries WHERE scope = ? AND key = ? AND list = ? AND at = ?",
        stored - listed,
    )
    _many(
        connection,
        "INSERT INTO entries (scope, key, list, at) VALUES (?, ?, ?, ?)",
        listed - stored,
    )


def _many(connection: sqlite3.Connection, sql: str, rows: Collection[tuple[object, ...]]) -> None:
    """Do *sql* with each of *rows*; most changes have none of most kinds."""
    if rows:
        connection.executemany(sql, rows)


def _receipt_row(receipt: Receipt) -> tuple[object, ...]:
    own = (receipt.approval.scope, key_text(receipt.approval))
    card = (receipt.round, str(receipt.person), receipt.channel)
    return (*own, *card, receipt.model_dump_json())


def _write_letters(connection: sqlite3.Connection, change: Change) -> None:
    # Updated in place: a letter stays where it was first written.
    _many(
        connection,
        "INSERT INTO letters VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET record = excluded.record",
        [
            (change.scope, key_text(each.approval), each.id, micros(each.at), record)
            for each in change.letters
            for record in (each.model_dump_json(),)
        ],
    )


def _write_beside(connection: sqlite3.Connection, change: Change) -> None:
    _many(
        connection,
        "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?)",
        [_receipt_row(receipt) for receipt in change.receipts],
    )
    _write_letters(connection, change)
    if change.payload:
        _write_payload(connection, change.scope, change.payload)
    _write_notes(connection, change)
    if change.answers:
        connection.execute(
            "DELETE FROM dead_letters WHERE scope = ? AND id = ?", (change.scope, change.answers)
        )
    if dead := change.dead:
        connection.execute(
            "INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?)",
            (change.scope, dead.id, micros(dead.at), dead.model_dump_json()),
        )


def _write_notes(connection: sqlite3.Connection, change: Change) -> None:
    for name, text in change.notes.items():
        if text is None:
            connection.execute(
                "DELETE FROM notes WHERE scope = ? AND name = ?", (change.scope, name)
            )
        else:
            connection.execute(
                "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (change.scope, name, text)
            )


def _write_payload(connection: sqlite3.Connection, scope: str, payload: Payload) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO payloads VALUES (?, ?, ?, ?)",
        (scope, payload.id, payload.digest, payload.model_dump_json()),
    )
    connection.execute(
        "INSERT OR REPLACE INTO payload_log VALUES (?, ?, ?)",
        (scope, micros(payload.received_at), payload.id),
    )
    if payload.disposition in LATE:
        connection.execute(
            "INSERT OR REPLACE INTO late_payloads VALUES (?, ?, ?)",
            (scope, micros(payload.received_at), payload.id),
        )
