-- Replaces a sweep's document and queue, and counts that in `revision`. Arguments: sweep, queue, document, and 1
-- with the arguments of `add_inputs` if they replace the inputs, else 0.
local id, queue, document, replaces_inputs = take(), take(), take(), take()

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
if replaces_inputs == '1' then
  redis.call('UNLINK', key(id, 'inputs'))
  redis.call('HDEL', header(id), 'observed', 'omitted')
  redis.call('HINCRBY', header(id), 'inputs', 1)
  add_inputs(id)
end
signal_work(queue, id)
return 1
