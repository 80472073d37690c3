-- Owns the step from layout 2 to layout 3: indexes for idle workers, and the clock. Workers of the earlier version that
-- still run can finish: they find all tables and columns that they know.
DROP INDEX open_sweeps;
CREATE INDEX unpaused_sweeps ON sweeps (queue, key) WHERE pending + running > 0 AND paused IS NULL;
CREATE INDEX paused_sweeps ON sweeps (queue, key) WHERE pending + running > 0 AND paused IS NOT NULL;
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    boot TEXT NOT NULL,
    offset_ms INTEGER NOT NULL
) STRICT;
