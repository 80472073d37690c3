-- Cancels ready and delayed points and marks every lease as cancelled. Arguments: sweep, and about how many ranges and
-- delayed points one run moves. Returns whether there is more to do, and the counts after that.
--
-- Each run marks the leases given until then, so that those given between two runs are marked by the next.
local id, budget = ARGV[1], tonumber(ARGV[2])

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
redis.call('HINCRBY', header(id), 'cancels', 1)
local cancelled, moved = key(id, 'cancelled'), 0
local function move(start, stop)
  range_add(cancelled, start, stop)
  moved = moved + stop - start
end

local ranges = redis.call('ZRANGE', key(id, 'ready'), 0, budget - 1)
for i = 1, #ranges do
  move(range_read(ranges[i]))
end
if #ranges > 0 then
  redis.call('ZREMRANGEBYRANK', key(id, 'ready'), 0, #ranges - 1)
end
local delayed = {}
if #ranges < budget then
  delayed = redis.call('ZRANGE', key(id, 'delayed'), 0, budget - #ranges - 1)
end
for i = 1, #delayed do
  move(tonumber(delayed[i]), tonumber(delayed[i]) + 1)
  undelay(id, delayed[i])
end
count(id, {pending = -moved, cancelled = moved})
local counts = redis.call('HMGET', header(id), 'total', 'pending', 'running', 'succeeded', 'failed', 'cancelled', 'reused')
return {#ranges + #delayed >= budget and 1 or 0, counts}
