-- Owns the step from layout 2 to layout 3: indexes for idle workers, the clock, and inputs. Workers of the earlier version that
-- still run can finish: they find all tables and columns that they know.
DROP INDEX open_sweeps;
CREATE INDEX unpaused_sweeps ON sweeps (queue, key) WHERE pending + running > 0 AND paused IS NULL;
CREATE INDEX paused_sweeps ON sweeps (queue, key) WHERE pending + running > 0 AND paused IS NOT NULL;
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    boot TEXT NOT NULL,
    offset_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE inputs (
    sweep INTEGER NOT NULL,
    path TEXT NOT NULL,
    input TEXT NOT NULL,
    PRIMARY KEY (sweep, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE input_summaries (
    sweep INTEGER PRIMARY KEY,
    observed INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    omitted INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE TABLE exclusions (worker TEXT PRIMARY KEY, whys TEXT NOT NULL) STRICT, WITHOUT ROWID;
