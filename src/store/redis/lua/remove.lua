-- Removes a sweep. purge.lua frees the rest of its keys, by `sweep:trash`. Arguments: time without a request after which
-- staged sweeps time out (milliseconds), sweep, force (1 or 0). Returns 0, or the number of leases if these prevent it.
local silence, id, force = unpack(ARGV)

drop_timed_out(tonumber(silence))
if redis.call('SISMEMBER', 'sweep:trash', id) == 1 then
  return 0
end
local head = redis.call('HMGET', header(id), 'running', 'queue', 'request')
if not head[1] then
  return no_sweep(id)
end
if force ~= '1' and tonumber(head[1]) > 0 then
  return tonumber(head[1])
end
redis.call('SADD', 'sweep:trash', id)
redis.call('ZREM', 'sweep:ids', id)
for _, set in ipairs({'q', 'running', 'paused'}) do
  redis.call('ZREM', 'sweep:' .. set .. ':' .. head[2], id)
end
redis.call('ZREM', 'sweep:deadlines', id)
redis.call('HDEL', 'sweep:scans', id)
signal_work(head[2], id)
redis.call('HDEL', 'sweep:requests', head[3])
-- Deletes the leases at once, so that workers find their claims lost.
redis.call('UNLINK', header(id), key(id, 'leases'))
return 0
