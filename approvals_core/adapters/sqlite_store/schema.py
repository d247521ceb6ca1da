"""The tables, how a file is opened, and which files are refused."""

import os
import secrets
import sqlite3
from pathlib import Path

from approvals_core.adapters.stored import SCHEMA
from approvals_core.errors import StoreRefused, StoreUnavailable
from approvals_core.models.marks import ID

# `next` of a job is when it is handed out: due, or the end of its lease. `due` is when
# it was asked for, `again` when it was asked for once more while somebody had it.
TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scopes (scope TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE approvals (
    scope TEXT NOT NULL, key TEXT NOT NULL, public_id TEXT NOT NULL,
    version INTEGER NOT NULL, last_change TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX approvals_by_id ON approvals (scope, public_id);
CREATE TABLE bodies (
    scope TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (scope, key, name)
);
CREATE TABLE events (
    scope TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (scope, key, seq)
);
CREATE TABLE receipts (
    scope TEXT NOT NULL, key TEXT NOT NULL, round INTEGER NOT NULL, person TEXT NOT NULL,
    channel TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (scope, key, round, person, channel)
);
CREATE TABLE payloads (
    scope TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (scope, id)
);
CREATE INDEX payloads_by_digest ON payloads (scope, digest);
CREATE TABLE contacts (
    scope TEXT PRIMARY KEY,
    version INTEGER NOT NULL, last_change TEXT NOT NULL, record TEXT NOT NULL
);
CREATE TABLE entries (
    scope TEXT NOT NULL, list TEXT NOT NULL, at INTEGER NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (scope, list, at, key)
) WITHOUT ROWID;
CREATE INDEX entries_by_key ON entries (scope, key);
CREATE TABLE jobs (
    scope TEXT NOT NULL, key TEXT NOT NULL, lane INTEGER NOT NULL,
    due INTEGER NOT NULL, next INTEGER NOT NULL, token TEXT, again INTEGER,
    failures INTEGER NOT NULL DEFAULT 0, record TEXT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX jobs_by_time ON jobs (lane, next);
CREATE INDEX jobs_by_scope ON jobs (lane, scope, next);
CREATE TABLE dead_letters (
    scope TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (scope, id)
);
"""

# Came later: made in older files, too. Of which payloads something was too old, by time; all
# payloads by time, those of before to the second; what a scope keeps by name; mails; and of what
# is in the archive, up to when the store heard of it, and what each file there holds.
LATER_TABLES = """
CREATE TABLE IF NOT EXISTS late_payloads (
    scope TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (scope, at, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payload_log (
    scope TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (scope, at, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (
    scope TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS letters (
    scope TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (scope, key, id)
);
CREATE TABLE IF NOT EXISTS tombstones (
    scope TEXT NOT NULL, key TEXT NOT NULL, newest TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS archive_files (
    scope TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID
"""

# What an older program took, into the log of it. With the question in it, it would read all payloads at each start.
_FILL_THE_LOG = """
INSERT OR IGNORE INTO payload_log
SELECT scope, 1000000 * CAST(at AS INTEGER), id FROM (
    SELECT scope, id, CASE WHEN json_valid(record)
        THEN strftime('%s', json_extract(record, '$.received_at')) END AS at FROM payloads
) WHERE at IS NOT NULL
"""

PRAGMAS = (
    "synchronous=FULL",
    "fullfsync=ON",  # on macOS a mere fsync stops at the disk's cache
    "journal_size_limit=67108864",  # the log is cut back to this when it starts over
    "wal_autocheckpoint=0",  # the background does it
    "cache_size=-65536",  # KB at most: a large batch does not go to the disk before its end
    "temp_store=MEMORY",  # what savepoints set aside; as a file it cost as much as the commits
)


OPENERS = 100  # processes that open a new file at the same time


def connect(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """Open one connection; it waits *busy_timeout* seconds for other processes."""
    connection = sqlite3.connect(
        path,
        timeout=busy_timeout,
        isolation_level=None,  # we say BEGIN and COMMIT ourselves
        check_same_thread=False,  # the writer's goes to and fro, never used by two at once
    )
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(path: Path, *, busy_timeout: float) -> None:
    """
    Make the file and its tables unless they are there.

    Raises:
        StoreRefused: A newer program made it, or something else.

        StoreUnavailable: It cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Ours alone; the log and the shared memory beside it get the same mode from SQLite.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = connect(path, busy_timeout=busy_timeout)
        try:
            _make_or_check(connection)
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error}") from error


def _make_or_check(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")  # of several processes the first makes the tables
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        _create(connection)
    elif "about" not in tables:
        raise StoreRefused("The file is a database of something else: name another.")
    row = connection.execute("SELECT value FROM about WHERE name = 'schema'").fetchone()
    if int(row[0]) > SCHEMA:
        raise StoreRefused(f"The file has schema {row[0]}, not {SCHEMA}: update this program.")
    for statement in LATER_TABLES.split(";"):
        connection.execute(statement)
    if connection.execute("SELECT 1 FROM payload_log LIMIT 1").fetchone() is None:
        connection.execute(_FILL_THE_LOG)
    connection.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (ID, secrets.token_hex(8)))
    connection.execute("COMMIT")
    if _switch_to_wal(connection) != "wal":
        raise StoreRefused("SQLite cannot share memory beside the file: use a local disk.")


def _switch_to_wal(connection: sqlite3.Connection) -> str:
    """
    Return the journal's mode after that.

    The switch itself waits for nobody: it fails while another process makes the same new
    file. A transaction waits its turn, and then the switch is made or found made.
    """
    for _ in range(OPENERS):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        else:
            return mode
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    raise StoreUnavailable("others are making the file: try again")


def _create(connection: sqlite3.Connection) -> None:
    for statement in TABLES.split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO about VALUES ('schema', ?)", (str(SCHEMA),))
