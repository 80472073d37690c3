-- Turns a staged sweep into a sweep, once for each request. Arguments: token, request, queue, user, total, document,
-- and those of `add_inputs`.
-- Returns its id, or the id of the sweep that the same request created before. Returns nothing if the staged sweep has timed
-- out, and the number of its points if some are missing.
local token, request, queue, user, total, document = take(), take(), take(), take(), take(), take()

local known = redis.call('HGET', 'sweep:requests', request)
if known then
  drop_staged(token)
  return known
end
local staged = redis.call('HMGET', staged_key(token), 'id', 'reused', 'ready')
local id, reused, ready = staged[1], staged[2], staged[3]
if not id then
  return false
end
if tonumber(reused) + tonumber(ready) ~= tonumber(total) then
  return tonumber(reused) + tonumber(ready)
end
local serial = redis.call('INCR', 'sweep:serial')
redis.call('HSET', header(id), 'request', request, 'serial', serial, 'queue', queue, 'user', user,
  'submitted', int(clock()), 'total', total, 'pending', ready, 'running', 0, 'succeeded', reused, 'failed', 0,
  'cancelled', 0, 'reused', reused, 'forgiven', 0)
redis.call('SET', key(id, 'doc'), document)
add_inputs(id)
redis.call('HSET', 'sweep:requests', request, id)
redis.call('ZADD', 'sweep:ids', serial, id)
if ready ~= '0' then
  redis.call('ZADD', 'sweep:q:' .. queue, serial, id)
  signal_work(queue, id)
end
redis.call('UNLINK', staged_key(token))
redis.call('ZREM', 'sweep:drafts', token)
return id
