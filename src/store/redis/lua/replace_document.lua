-- Replaces a sweep's document and queue, and counts that in `revision`. Arguments: sweep, queue, document.
local id, queue, document = unpack(ARGV)

local head = redis.call('HMGET', header(id), 'queue', 'serial', 'pending', 'running', 'paused')
if not head[1] then
  return no_sweep(id)
end
redis.call('SET', key(id, 'doc'), document)
local set = queue_set(tonumber(head[3]), tonumber(head[4]), head[5])
change_queue_set(id, head[1], head[2], set, nil)
change_queue_set(id, queue, head[2], nil, set)
redis.call('HSET', header(id), 'queue', queue)
redis.call('HINCRBY', header(id), 'revision', 1)
signal_work(queue, id)
return 1
