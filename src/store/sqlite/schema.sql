-- Owns the tables of the embedded store. `layout.rs` has their version. A change here needs a new version, and a file in
-- `migrations` that makes the same change to an older database.
--
-- Times are milliseconds since the epoch on the store's clock, see `clock.rs`. Tokens and sequence numbers are unsigned
-- 64-bit numbers, stored as signed ones. Tables refer to a sweep by its key. Keys are never used again.

-- 'layout': the version of these tables. 'last-look': when the leases were last checked.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- The last number given out for each sweep name.
CREATE TABLE names (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE sweeps (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    request TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    user TEXT NOT NULL,
    submitted_ms INTEGER NOT NULL,
    last_outcome_ms INTEGER,
    paused TEXT,
    forgiven INTEGER NOT NULL DEFAULT 0, -- how many points had failed at the last resume
    total INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    delayed INTEGER NOT NULL DEFAULT 0, -- the part of pending that is delayed
    running INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    reused INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, number)
) STRICT;

-- For claims and for what is left to do: sweeps that have ended cost nothing there. A query uses such an index only if it
-- repeats the condition word for word.
CREATE INDEX unpaused_sweeps ON sweeps (queue, key) WHERE pending + running > 0 AND paused IS NULL;
CREATE INDEX paused_sweeps ON sweeps (queue, key) WHERE pending + running > 0 AND paused IS NOT NULL;

-- A table of its own, because every exchange rewrites the row in `sweeps`, and documents are long.
CREATE TABLE documents (sweep INTEGER PRIMARY KEY, document BLOB NOT NULL) STRICT;

-- The inputs of a sweep by path; `stored/input.rs` describes the text.
CREATE TABLE inputs (
    sweep INTEGER NOT NULL,
    path TEXT NOT NULL,
    input TEXT NOT NULL,
    PRIMARY KEY (sweep, path)
) STRICT, WITHOUT ROWID;

-- At most one row for each sweep: whether an attempt was observed, how many inputs are stored, how many were found beyond
-- the limit, and how often this has changed.
CREATE TABLE input_summaries (
    sweep INTEGER PRIMARY KEY,
    observed INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    omitted INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

-- Ready (state 0) and cancelled (state 1) points as disjoint ranges: the first point, and the point after the last.
CREATE TABLE ranges (
    sweep INTEGER NOT NULL,
    state INTEGER NOT NULL,
    first INTEGER NOT NULL,
    past INTEGER NOT NULL,
    PRIMARY KEY (sweep, state, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE delayed (
    sweep INTEGER NOT NULL,
    point INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    PRIMARY KEY (sweep, point)
) STRICT, WITHOUT ROWID;
CREATE INDEX delayed_by_time ON delayed (sweep, due_ms, point);

CREATE TABLE failed (
    sweep INTEGER NOT NULL,
    point INTEGER NOT NULL,
    PRIMARY KEY (sweep, point)
) STRICT, WITHOUT ROWID;

-- The primary key is the only index: every claim, renewal and outcome would have to maintain another one. What looks
-- through all leases (at most once a second) reads no more than the workers of one machine hold, 60 ns for each.
CREATE TABLE leases (
    sweep INTEGER NOT NULL,
    point INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    token INTEGER NOT NULL,
    worker TEXT NOT NULL,
    started_ms INTEGER,
    deadline_ms INTEGER NOT NULL,
    lease_ms INTEGER NOT NULL, -- 0: the worker is marked as dead
    doomed INTEGER NOT NULL DEFAULT 0, -- 1: the sweep was cancelled while the job was leased
    PRIMARY KEY (sweep, point)
) STRICT, WITHOUT ROWID;

-- Attempt counts of points that were attempted, are not leased and have not succeeded. `token` is that of the last claim if
-- it was reported lost, because its outcome may still arrive.
CREATE TABLE tries (
    sweep INTEGER NOT NULL,
    point INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    token INTEGER,
    PRIMARY KEY (sweep, point)
) STRICT, WITHOUT ROWID;

-- The logs. Ids give the order within a block. With rowids, because the rows are long.
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    sweep INTEGER NOT NULL,
    block INTEGER NOT NULL,
    chunk BLOB NOT NULL
) STRICT;
CREATE INDEX chunks_by_block ON chunks (sweep, block);

CREATE TABLE outputs (
    id INTEGER PRIMARY KEY,
    sweep INTEGER NOT NULL,
    point INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    output BLOB NOT NULL,
    UNIQUE (sweep, point, attempt)
) STRICT;

CREATE TABLE columns (
    sweep INTEGER NOT NULL,
    name TEXT NOT NULL,
    point INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (sweep, name)
) STRICT, WITHOUT ROWID;

-- `queues` and `unable` (ids of the sweeps that the worker excludes) are JSON lists. `machine` identifies the machine, see
-- `guard.rs`.
CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    queues TEXT NOT NULL,
    slots INTEGER NOT NULL,
    busy INTEGER NOT NULL,
    unable TEXT NOT NULL,
    machine TEXT NOT NULL,
    last_seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Why a worker cannot run the sweeps of its column `unable`, in the same order (JSON). A table of its own, because an earlier
-- version writes all columns of `workers`.
CREATE TABLE exclusions (worker TEXT PRIMARY KEY, whys TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The sequence number of the last exchange of each worker, and the reply.
CREATE TABLE replies (
    worker TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    reply BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Removed sweeps whose logs and outputs are not deleted yet; that is done in parts.
CREATE TABLE removed (sweep INTEGER PRIMARY KEY) STRICT;

-- Staged sweeps. They have a key and a number, but no row in `sweeps` until they are committed.
CREATE TABLE drafts (
    token TEXT PRIMARY KEY,
    key INTEGER NOT NULL,
    number INTEGER NOT NULL,
    parts INTEGER NOT NULL DEFAULT 0,
    reused INTEGER NOT NULL DEFAULT 0,
    ready INTEGER NOT NULL DEFAULT 0,
    heard_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The store's clock minus the time since the machine was started, for one start of the machine. At most one row.
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    boot TEXT NOT NULL,
    offset_ms INTEGER NOT NULL
) STRICT;
