-- Notes that a worker lives and renews the claims it names. Arguments: worker, host, pid, queues, slots, busy, sweeps
-- that it cannot run, lease in milliseconds, number of groups; for each group a sweep, a number of claims, and for each
-- claim "index token started". Returns, flat, the position of each claim that does not go on and its fate: 0 lost,
-- 1 cancelled, 2 paused before it was started.
local worker, host, pid, queues, slots, busy, unable = take(), take(), take(), take(), take(), take(), take()
local lease, groups = tonumber(take()), tonumber(take())
local now = clock()

redis.call('ZADD', 'sweep:workers', int(now), worker)
redis.call('HSET', 'sweep:w:' .. worker, 'host', host, 'pid', pid, 'queues', queues, 'slots', slots, 'busy', busy,
  'unable', unable)

-- A worker that never said goodbye is forgotten after a day.
local gone = redis.call('ZRANGEBYSCORE', 'sweep:workers', '-inf', int(now - 86400000), 'LIMIT', 0, 10)
for i = 1, #gone do
  redis.call('UNLINK', 'sweep:w:' .. gone[i])
  redis.call('ZREM', 'sweep:workers', gone[i])
end

local fates, position = {}, 0
local function renew(id, held)
  local where, paused = key(id, 'leases'), redis.call('HEXISTS', header(id), 'paused') == 1
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
      if claim.doomed == '1' then
        fates[#fates + 1], fates[#fates + 2] = position, 1
      elseif paused and started == '0' then
        fates[#fates + 1], fates[#fates + 2] = position, 2
      end
    else
      fates[#fates + 1], fates[#fates + 2] = position, 0
    end
    position = position + 1
  end
end

for _ = 1, groups do
  local id, held = take(), {}
  for i = 1, tonumber(take()) do
    held[i] = take()
  end
  renew(id, held)
end
return fates
