-- Returns the workers with a recent heartbeat, newest first. Argument: how recent (milliseconds).
local since = clock() - tonumber(ARGV[1])
local heartbeats, prefix = 'sweep:heartbeats', 'sweep:worker:'
if redis.call('GET', 'sweep:layout') == '2' then
  -- A store that nobody has written to since an earlier version.
  heartbeats, prefix = 'sweep:workers', 'sweep:w:'
end
local alive = redis.call('ZREVRANGEBYSCORE', heartbeats, '+inf', int(since), 'WITHSCORES')
local rows = {}
for i = 1, #alive, 2 do
  local row = redis.call('HMGET', prefix .. alive[i], 'host', 'pid', 'queues', 'slots', 'busy', 'unable', 'whys')
  if row[1] then
    -- An earlier version does not say why it cannot run sweeps.
    row[7] = row[7] or '[]'
    rows[#rows + 1] = {alive[i], alive[i + 1], unpack(row)}
  end
end
return rows
