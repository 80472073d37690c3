-- Lets all claims of a dead worker run out, and lists it no more. Arguments: worker, and the sign of life from which on a
-- worker is listed, milliseconds ago. Returns how many claims there are.
local worker, listed = ARGV[1], tonumber(ARGV[2])
local now, abandoned = clock(), 0

for _, id in ipairs(redis.call('SMEMBERS', 'sweep:leased')) do
  leases_change(id, function(lease)
    if lease.worker == worker then
      -- Without a length no absence prolongs them.
      lease.deadline, lease.length = now, 0
      abandoned = abandoned + 1
    end
  end)
end
redis.call('ZADD', 'sweep:workers', 'XX', 'LT', int(now - listed - 1), worker)
return abandoned
