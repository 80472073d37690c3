-- Puts a succeeded point back in the queue. Arguments: sweep, index, its block, its attempts, how many chunks its block
-- must have, the chunk that records it. Returns whether it did.
local id, index, block, attempts, chunks, chunk = unpack(ARGV)

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
local log = key(id, 'log:' .. block)
local has_succeeded = tonumber(index) < tonumber(redis.call('HGET', header(id), 'total'))
  and redis.call('HEXISTS', key(id, 'leases'), index) == 0
  and not redis.call('ZSCORE', key(id, 'delayed'), index)
  and not redis.call('ZSCORE', key(id, 'failed'), index)
  and not range_find(key(id, 'ready'), tonumber(index), tonumber(index), 1)[1]
  and not range_find(key(id, 'cancelled'), tonumber(index), tonumber(index), 1)[1]
if not has_succeeded or redis.call('LLEN', log) ~= tonumber(chunks) then
  return 0
end
tries_put(id, index, attempts, '0', '0', '-')
range_add(key(id, 'ready'), tonumber(index), tonumber(index) + 1)
redis.call('RPUSH', log, chunk)
redis.call('ZADD', key(id, 'blocks'), block, block)
count(id, {pending = 1, succeeded = -1})
return 1
