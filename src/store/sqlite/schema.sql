-- Owns the layout of the embedded store; `store::LAYOUT` is its version. A change here is another version.
--
-- Times are milliseconds since the epoch on the store's clock. Tokens and request numbers are 64 bits without a sign,
-- kept in SQLite's 64 bits with one. A sweep is named by its key everywhere but in its own row; keys are never reused.

-- 'layout', and 'last-look': when somebody last looked for expired claims.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- The number last given for each name of a sweep.
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
    forgiven INTEGER NOT NULL DEFAULT 0, -- how many had failed when it was last resumed
    total INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    delayed INTEGER NOT NULL DEFAULT 0, -- the part of the pending that waits for its time
    running INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    reused INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, number)
) STRICT;

-- What a worker looks through for jobs, however many sweeps have ended.
CREATE INDEX open_sweeps ON sweeps (queue, key) WHERE pending > 0 AND paused IS NULL;

-- Apart from the row that every exchange rewrites.
CREATE TABLE documents (sweep INTEGER PRIMARY KEY, document BLOB NOT NULL) STRICT;

-- Ready (0) and cancelled (1) points: first, and the one past the last. Disjoint.
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
    lease_ms INTEGER NOT NULL,
    doomed INTEGER NOT NULL DEFAULT 0, -- the sweep was cancelled since
    PRIMARY KEY (sweep, point)
) STRICT, WITHOUT ROWID;

-- The tries of points that were tried, are not claimed now and have not succeeded. The token is that of the last claim
-- if it was lost: its outcome may still come.
CREATE TABLE tries (
    sweep INTEGER NOT NULL,
    point INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    token INTEGER,
    PRIMARY KEY (sweep, point)
) STRICT, WITHOUT ROWID;

-- The logs: within a block in the order of ids. Rowid tables, because the rows are long.
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

-- `queues` and `unable` (ids of sweeps) are JSON lists; `machine` tells machines apart, see guard.rs.
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

-- The last request of each worker, and what it was answered.
CREATE TABLE replies (
    worker TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    reply BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sweeps that were removed, and whose logs and outputs are being cleared away bit by bit.
CREATE TABLE removed (sweep INTEGER PRIMARY KEY) STRICT;

-- Sweeps in the making. They have a key, under which they are filled, and a number, and are seen by nobody until they get
-- a row in `sweeps`.
CREATE TABLE drafts (
    token TEXT PRIMARY KEY,
    key INTEGER NOT NULL,
    number INTEGER NOT NULL,
    parts INTEGER NOT NULL DEFAULT 0,
    reused INTEGER NOT NULL DEFAULT 0,
    ready INTEGER NOT NULL DEFAULT 0,
    heard_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
