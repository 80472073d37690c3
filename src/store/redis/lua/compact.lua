-- Replaces the chunks that a block's log began with when it was read by one that says the same. Arguments: sweep, block,
-- how many chunks they were, the first of them, the new one. Returns whether it was done. A log only grows but for this,
-- so its first chunk tells whether another has done it since.
local id, block, count, first, chunk = unpack(ARGV)

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
local log = key(id, 'log:' .. block)
if redis.call('LLEN', log) < tonumber(count) or redis.call('LINDEX', log, 0) ~= first then
  return 0
end
redis.call('LTRIM', log, count, -1)
redis.call('LPUSH', log, chunk)
return 1
