-- What is known of the claims that are held. Argument: the sign of life from which on a worker is listed, milliseconds
-- ago. Returns the time, and how many claims are held, have run out, and are of workers that are not listed.
local listed = tonumber(ARGV[1])
local now = clock()
local held, run_out, unseen, is_seen = 0, 0, 0, {}

for _, id in ipairs(redis.call('SMEMBERS', 'sweep:leased')) do
  local all = redis.call('HVALS', key(id, 'leases'))
  for i = 1, #all do
    local lease = lease_read(all[i])
    if is_seen[lease.worker] == nil then
      is_seen[lease.worker] = tonumber(redis.call('ZSCORE', 'sweep:workers', lease.worker) or 0) >= now - listed
    end
    held = held + 1
    run_out = run_out + (lease.deadline <= now and 1 or 0)
    unseen = unseen + (is_seen[lease.worker] and 0 or 1)
  end
end
return {int(now), int(held), int(run_out), int(unseen)}
