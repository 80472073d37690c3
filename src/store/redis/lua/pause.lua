-- Pauses a sweep, or lets it go on. Arguments: sweep, and the reason if it is paused.
local id, reason = unpack(ARGV)

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
if reason then
  redis.call('HSET', header(id), 'paused', reason)
else
  redis.call('HDEL', header(id), 'paused')
end
return 1
