-- Adds a sweep, once for each request. Arguments: time without a request after which staged sweeps time out (milliseconds),
-- request, name, queue, user, total, document, and those of `add_inputs`.
local silence, request, name, queue, user, total, document =
  take(), take(), take(), take(), take(), take(), take()

drop_timed_out(tonumber(silence))
local known = redis.call('HGET', 'sweep:requests', request)
if known then
  return known
end
local serial = redis.call('INCR', 'sweep:serial')
local id = name .. '-' .. int(redis.call('HINCRBY', 'sweep:names', name, 1))
redis.call('HSET', header(id), 'request', request, 'serial', serial, 'queue', queue, 'user', user,
  'submitted', int(clock()), 'total', total, 'pending', total, 'running', 0, 'succeeded', 0, 'failed', 0,
  'cancelled', 0, 'reused', 0, 'forgiven', 0)
redis.call('SET', key(id, 'doc'), document)
add_inputs(id)
redis.call('HSET', 'sweep:requests', request, id)
redis.call('ZADD', 'sweep:ids', serial, id)
if tonumber(total) > 0 then
  range_put(key(id, 'ready'), 0, tonumber(total))
  redis.call('ZADD', 'sweep:q:' .. queue, serial, id)
  signal_work(queue, id)
end
return id
