-- Replaces a sweep's document and queue. Arguments: sweep, queue, document.
local id, queue, document = unpack(ARGV)

local head = redis.call('HMGET', header(id), 'queue', 'serial')
if not head[1] then
  return no_sweep(id)
end
redis.call('SET', key(id, 'doc'), document)
if redis.call('ZREM', 'sweep:q:' .. head[1], id) == 1 then
  redis.call('ZADD', 'sweep:q:' .. queue, head[2], id)
  signal_work(queue, id)
end
redis.call('HSET', header(id), 'queue', queue)
return 1
