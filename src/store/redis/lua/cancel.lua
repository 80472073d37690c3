-- Takes all that waits out of the queue and dooms every lease. Argument: sweep. Returns the counts after.
local id = unpack(ARGV)

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
local cancelled, moved = key(id, 'cancelled'), 0
local function move(start, stop)
  range_add(cancelled, start, stop)
  moved = moved + stop - start
end

for _, member in ipairs(redis.call('ZRANGE', key(id, 'ready'), 0, -1)) do
  move(range_read(member))
end
for _, index in ipairs(redis.call('ZRANGE', key(id, 'delayed'), 0, -1)) do
  move(tonumber(index), tonumber(index) + 1)
end
redis.call('UNLINK', key(id, 'ready'), key(id, 'delayed'), key(id, 'due'))
leases_change(id, function(lease)
  lease.doomed = '1'
end)
count(id, {pending = -moved, cancelled = moved})
return redis.call('HMGET', header(id), 'total', 'pending', 'running', 'succeeded', 'failed', 'cancelled', 'reused')
