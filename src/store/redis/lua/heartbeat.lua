-- Records that a worker is alive and renews the claims that it names. Arguments: worker, host, pid, queues, slots, busy, sweeps
-- that it cannot run, why (JSON lists), lease in milliseconds, number of groups; for each group a sweep, a number of claims, and for each
-- claim "index token started". Returns a flat list: the position of each claim that does not go on, and its status: 0 lost,
-- 1 cancelled, 2 paused before it was started.
local worker, host, pid, queues, slots, busy, unable = take(), take(), take(), take(), take(), take(), take()
local whys = take()
local lease, groups = tonumber(take()), tonumber(take())
local now = clock()

redis.call('ZADD', 'sweep:heartbeats', int(now), worker)
redis.call('HSET', 'sweep:worker:' .. worker, 'host', host, 'pid', pid, 'queues', queues, 'slots', slots, 'busy', busy,
  'unable', unable, 'whys', whys)

-- Whether a worker has leases. Reads the leases of the sweeps of which it may have some; if these are many, assumes so.
local function holds_leases(worker)
  local holds, budget = 'sweep:holds:' .. worker, 5000
  for _, id in ipairs(redis.call('SMEMBERS', holds)) do
    budget = budget - 1 - redis.call('HLEN', key(id, 'leases'))
    if budget < 0 then
      return true
    end
    for _, text in ipairs(redis.call('HVALS', key(id, 'leases'))) do
      if lease_read(text).worker == worker then
        return true
      end
    end
    redis.call('SREM', holds, id)
  end
  return false
end

-- A worker that ended without unregistering is removed after a day, unless it has leases: its last reply is kept for as
-- long as one of its requests may be sent again. Then this is checked again an hour later.
local gone = redis.call('ZRANGEBYSCORE', 'sweep:heartbeats', '-inf', int(now - 86400000), 'LIMIT', 0, 2)
for i = 1, #gone do
  if holds_leases(gone[i]) then
    redis.call('ZADD', 'sweep:heartbeats', int(now - 82800000), gone[i])
  else
    redis.call('UNLINK', 'sweep:worker:' .. gone[i], 'sweep:holds:' .. gone[i])
    redis.call('ZREM', 'sweep:heartbeats', gone[i])
  end
end

-- Keeps the list of sweeps of which this worker has leases short.
local known = redis.call('SRANDMEMBER', 'sweep:holds:' .. worker)
if known and redis.call('EXISTS', key(known, 'leases')) == 0 then
  redis.call('SREM', 'sweep:holds:' .. worker, known)
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
    note_holder(worker, id)
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
