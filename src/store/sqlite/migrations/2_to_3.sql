-- Owns the step from layout 2 to layout 3: indexes for idle workers and expired leases, and the clock. It only adds, so
-- workers of the earlier version that still run can finish.
CREATE INDEX unfinished_sweeps ON sweeps (queue, key) WHERE pending + running > 0;
CREATE INDEX leases_by_deadline ON leases (deadline_ms);
CREATE INDEX leases_by_worker ON leases (worker);
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    boot TEXT NOT NULL,
    offset_ms INTEGER NOT NULL
) STRICT;
