-- Replaces the chunks that a block's log began with when it was read by one chunk with the same records. Arguments: sweep,
-- block, number of these chunks, the first of them, the new chunk. Returns whether it did. Except for this a log only
-- grows, so its first chunk tells whether somebody else has compacted it since.
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
