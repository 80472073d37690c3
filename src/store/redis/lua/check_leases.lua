-- Finds claims whose leases have run out, at most once a second. Arguments: the most to return, about how many leases to
-- read. Returns for each: sweep, index, lease, submission; nothing if another has checked within the last second.
--
-- Reads the leases of those sweeps alone whose earliest deadline may have come (`sweep:deadlines`), and no more than the
-- budget at once: `sweep:scans` keeps for each sweep how far it was read, "cursor soonest", for the next check.
local most, budget = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = clock()
local checked = tonumber(redis.call('GET', 'sweep:looked') or 0)
local silence = now - checked

if silence >= 0 and silence < 1000 then
  return false
end
redis.call('SET', 'sweep:looked', int(now))

-- The clock was set back: no lease may hold for longer than its length from now. Rare, and so the one part without a
-- budget.
local function shorten_leases()
  for _, id in ipairs(redis.call('ZRANGE', 'sweep:deadlines', 0, -1)) do
    local all = redis.call('HGETALL', key(id, 'leases'))
    for i = 2, #all, 2 do
      local lease = lease_read(all[i])
      lease.deadline = math.min(lease_deadline(lease), now + lease.length)
      all[i] = lease_text(lease)
    end
    call_in_parts('HSET', key(id, 'leases'), all)
    redis.call('ZADD', 'sweep:deadlines', 0, id)
  end
  redis.call('DEL', 'sweep:absences')
end

-- Checks are a second apart, so that second is no absence.
if silence < 0 then
  shorten_leases()
elseif redis.call('EXISTS', 'sweep:deadlines') == 0 then
  redis.call('DEL', 'sweep:absences')
elseif silence > 5000 then
  redis.call('RPUSH', 'sweep:absences', int(now) .. ' ' .. int(silence - 1000))
  redis.call('LTRIM', 'sweep:absences', -64, -1)
end

-- While a sweep is read its score is infinite, so that it collects the deadlines of claims made meanwhile.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'sweep:deadlines', '-inf', int(now), 'LIMIT', 0, 200)) do
  if redis.call('HSETNX', 'sweep:scans', id, '0 -') == 1 then
    redis.call('ZADD', 'sweep:deadlines', '+inf', id)
  end
end

local found, seen = {}, {}
local function scan(id, state)
  local cursor, soonest = string.match(state, '^(%d+) (%S+)$')
  local submission = redis.call('HGET', header(id), 'submitted')
  soonest = tonumber(soonest) or math.huge
  repeat
    local reply = redis.call('HSCAN', key(id, 'leases'), cursor, 'COUNT', 500)
    local leases = reply[2]
    cursor = reply[1]
    for i = 1, #leases, 2 do
      local deadline, name = lease_deadline(lease_read(leases[i + 1])), id .. '/' .. leases[i]
      soonest = math.min(soonest, deadline)
      if deadline <= now and #found < most and not seen[name] then
        -- A scan may return one twice.
        seen[name] = true
        found[#found + 1] = {id, leases[i], leases[i + 1], submission}
      end
    end
    budget = budget - #leases / 2
  until cursor == '0' or budget <= 0 or #found >= most
  if cursor == '0' then
    redis.call('HDEL', 'sweep:scans', id)
    if soonest < math.huge then
      redis.call('ZADD', 'sweep:deadlines', 'XX', 'LT', int(soonest), id)
    end
  else
    redis.call('HSET', 'sweep:scans', id, cursor .. ' ' .. (soonest < math.huge and int(soonest) or '-'))
  end
end

local scans = redis.call('HGETALL', 'sweep:scans')
for i = 1, #scans, 2 do
  if budget <= 0 or #found >= most then
    break
  end
  scan(scans[i], scans[i + 1])
end
return found
