-- Finds claims whose leases have run out, at most once a second. Arguments: the most to return, about how many leases to
-- read. Returns for each: sweep, index, lease, submission; nothing if another has checked within the last second.
--
-- Reads only the leases of sweeps whose earliest deadline may have come (`sweep:deadlines`), and at most about as many as
-- the budget says. `sweep:scans` keeps how far each of these sweeps was read, as "cursor soonest". The next check goes on
-- there, whoever makes it, so it does not matter if the worker that checks dies.
local most, budget = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = clock()
local checked = tonumber(redis.call('GET', 'sweep:looked') or 0)
local silence = now - checked

if silence >= 0 and silence < 1000 then
  return false
end
redis.call('SET', 'sweep:looked', int(now))

-- The clock was set back. Changes no lease, because there may be many; `lease_deadline` limits those of the time before.
-- All deadlines may have moved, so the leases of all sweeps are read again.
local function note_set_back()
  redis.call('SET', 'sweep:set-back', int(now))
  local absences = redis.call('LRANGE', 'sweep:absences', 0, -1)
  for i = 1, #absences do
    local over, length = string.match(absences[i], '^(%d+) (%d+)$')
    if tonumber(over) > now then
      redis.call('LSET', 'sweep:absences', i - 1, int(now) .. ' ' .. length)
    end
  end
  for _, id in ipairs(redis.call('ZRANGE', 'sweep:deadlines', 0, -1)) do
    redis.call('ZADD', 'sweep:deadlines', 0, id)
  end
  -- Otherwise a worker that is dead would be listed until the clock comes there again.
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', 'sweep:heartbeats', '(' .. int(now), '+inf')) do
    redis.call('ZADD', 'sweep:heartbeats', int(now), worker)
  end
end

-- At most 64 absences are kept. The oldest two become one: a lease that one of them prolonged loses nothing, and no lease
-- holds for longer than a whole lease from the end of the later one.
local function add_absence(length)
  if redis.call('RPUSH', 'sweep:absences', int(now) .. ' ' .. int(length)) > 64 then
    local first = string.match(redis.call('LPOP', 'sweep:absences'), '%d+$')
    local over, second = string.match(redis.call('LINDEX', 'sweep:absences', 0), '^(%d+) (%d+)$')
    redis.call('LSET', 'sweep:absences', 0, over .. ' ' .. int(tonumber(first) + tonumber(second)))
  end
end

-- A worker of layout 2 whose first request comes after the migration may still claim jobs, and only this set names them.
for _, id in ipairs(redis.call('SPOP', 'sweep:leased', 100)) do
  redis.call('ZADD', 'sweep:deadlines', 0, id)
end

-- Checks are a second apart, so one second of the silence is no absence.
if silence < 0 then
  note_set_back()
elseif redis.call('EXISTS', 'sweep:deadlines') == 0 then
  redis.call('DEL', 'sweep:absences')
elseif silence > 5000 then
  add_absence(silence - 1000)
end

-- While a sweep is read, its score is infinite: then claims made meanwhile lower it to their deadline.
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
      local deadline, name = lease_deadline(lease_read(leases[i + 1]), now), id .. '/' .. leases[i]
      soonest = math.min(soonest, deadline)
      if deadline <= now and #found < most and not seen[name] then
        -- HSCAN may return a lease twice.
        seen[name] = true
        found[#found + 1] = {id, leases[i], leases[i + 1], submission}
      end
    end
    budget = budget - #leases / 2
  until cursor == '0' or budget <= 0 or #found >= most
  if cursor == '0' then
    redis.call('HDEL', 'sweep:scans', id)
    if redis.call('EXISTS', key(id, 'leases')) == 0 then
      redis.call('ZREM', 'sweep:deadlines', id)
    elseif soonest < math.huge then
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
