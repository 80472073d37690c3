-- Makes a sweep disappear; what it leaves behind goes to `sweep:trash`, for purge.lua. Arguments: silence after
-- which sweeps in the making are given up, sweep, force (1 or 0). Returns 0, or the number of leases that stand in the way.
local silent, id, force = unpack(ARGV)

drafts_give_up(tonumber(silent))
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
redis.call('ZREM', 'sweep:q:' .. head[2], id)
redis.call('SREM', 'sweep:leased', id)
redis.call('HDEL', 'sweep:requests', head[3])
-- The leases at once, so that workers find their claims lost.
redis.call('UNLINK', header(id), key(id, 'leases'))
return 0
