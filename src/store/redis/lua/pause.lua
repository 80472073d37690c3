-- Pauses a sweep, or lets it go on and forgives what has failed. Arguments: sweep, and the reason if it is paused; and if
-- a worker pauses it, how much it knows to be forgiven. Returns 1 if the sweep is then paused for that reason, or goes on.
local id, reason, forgiven = unpack(ARGV)

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
local now = redis.call('HMGET', header(id), 'paused', 'forgiven', 'failed', 'queue')
if not reason then
  redis.call('HDEL', header(id), 'paused')
  redis.call('HSET', header(id), 'forgiven', now[3])
  signal_work(now[4], id)
elseif not forgiven or not now[1] and now[2] == forgiven then
  redis.call('HSET', header(id), 'paused', reason)
elseif now[1] ~= reason then
  return 0
end
return 1
