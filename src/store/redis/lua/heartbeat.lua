-- Records that a worker is alive and renews the claims that it names. Arguments: worker, host, pid, queues, slots, busy, sweeps
-- that it cannot run, lease in milliseconds, number of groups; for each group a sweep, a number of claims, and for each
-- claim "index token started". Returns, flat, the position of each claim that does not go on and its status: 0 lost,
-- 1 cancelled, 2 paused before it was started.
local worker, host, pid, queues, slots, busy, unable = take(), take(), take(), take(), take(), take(), take()
local lease, groups = tonumber(take()), tonumber(take())
local now = clock()

redis.call('ZADD', 'sweep:heartbeats', int(now), worker)
redis.call('HSET', 'sweep:worker:' .. worker, 'host', host, 'pid', pid, 'queues', queues, 'slots', slots, 'busy', busy,
  'unable', unable)

-- A worker that ended without unregistering is removed after a day.
local gone = redis.call('ZRANGEBYSCORE', 'sweep:heartbeats', '-inf', int(now - 86400000), 'LIMIT', 0, 10)
for i = 1, #gone do
  redis.call('UNLINK', 'sweep:worker:' .. gone[i])
  redis.call('ZREM', 'sweep:heartbeats', gone[i])
end

local statuses, position = {}, 0
local function renew(id, held)
  local where, head = key(id, 'leases'), redis.call('HMGET', header(id), 'paused', 'cancels')
  local paused, cancels, renewed = head[1], head[2], false
  for i = 1, #held do
    local index, token, started = string.match(held[i], '^(%d+) (%d+) (%d)$')
    local text = redis.call('HGET', where, index)
    local claim = text and lease_read(text)
    if claim and claim.token == token then
      claim.deadline, claim.length = now + lease, lease
      if started == '1' and claim.started == '0' then
        claim.started = int(now)
      end
      redis.call('HSET', where, index, lease_text(claim))
      renewed = true
      if is_cancelled(claim, cancels) then
        statuses[#statuses + 1], statuses[#statuses + 2] = position, 1
      elseif paused and started == '0' then
        statuses[#statuses + 1], statuses[#statuses + 2] = position, 2
      end
    else
      statuses[#statuses + 1], statuses[#statuses + 2] = position, 0
    end
    position = position + 1
  end
  if renewed then
    note_deadline(id, now + lease)
  end
end

for _ = 1, groups do
  local id, held = take(), {}
  for i = 1, tonumber(take()) do
    held[i] = take()
  end
  renew(id, held)
end
return statuses
