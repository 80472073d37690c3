-- Counts the leases in a part of one sweep. Arguments: how recent a heartbeat must be for a worker to be listed
-- (milliseconds), sweep, cursor (0 at first). Returns the next cursor (0 at the end), and how many leases are held, have
-- run out, and are of workers that are not listed.
local listed, id, cursor = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local now = clock()
local held, run_out, unseen, is_seen = 0, 0, 0, {}
local heartbeats = redis.call('GET', 'sweep:layout') == '2' and 'sweep:workers' or 'sweep:heartbeats'

local reply = redis.call('HSCAN', key(id, 'leases'), cursor, 'COUNT', 500)
for i = 2, #reply[2], 2 do
  local lease = lease_read(reply[2][i])
  if is_seen[lease.worker] == nil then
    is_seen[lease.worker] = tonumber(redis.call('ZSCORE', heartbeats, lease.worker) or 0) >= now - listed
  end
  held = held + 1
  run_out = run_out + (lease_deadline(lease, now) <= now and 1 or 0)
  unseen = unseen + (is_seen[lease.worker] and 0 or 1)
end
return {reply[1], held, run_out, unseen}
