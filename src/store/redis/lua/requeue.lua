-- Puts failed and cancelled points of some ranges back in the queue. Arguments: sweep, budget, then start and stop of
-- each range. One run moves about as many points and ranges as the budget says, so that the server is not blocked.
-- Returns how many points were moved, how many ranges are done, and the index at which the next range goes on.
local id, budget = take(), tonumber(take())

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
local ready, failed, cancelled = key(id, 'ready'), key(id, 'failed'), key(id, 'cancelled')
local from_failed, from_cancelled = 0, 0

-- Failures and losses count from zero again; attempts go on.
local function forget_failures(start, stop)
  local rows = redis.call('ZRANGEBYSCORE', key(id, 'tries'), int(start), '(' .. int(stop))
  if #rows == 0 then
    return
  end
  redis.call('ZREMRANGEBYSCORE', key(id, 'tries'), int(start), '(' .. int(stop))
  for i = 1, #rows do
    local tries = tries_read(rows[i])
    tries_put(id, tries.index, int(tries.attempts), '0', '0', tries.token)
  end
end

local function to_ready(start, stop)
  forget_failures(start, stop)
  range_add(ready, start, stop)
end

-- Puts failed points back, consecutive ones as one range.
local function move_failed(members, stop)
  local first, last
  for i = 1, #members do
    local index = tonumber(members[i])
    if index >= stop then
      break
    end
    from_failed = from_failed + 1
    if last and index == last + 1 then
      last = index
    else
      if first then
        to_ready(first, last + 1)
      end
      first, last = index, index
    end
  end
  if first then
    to_ready(first, last + 1)
    redis.call('ZREMRANGEBYSCORE', failed, int(tonumber(members[1])), int(last))
  end
end

local function move_cancelled(parts, start, stop)
  for i = 1, #parts do
    local part = parts[i]
    local first, last = math.max(part[2], start), math.min(part[3], stop)
    if first < last then
      range_cut(cancelled, part, first, last)
      to_ready(first, last)
      from_cancelled = from_cancelled + last - first
    end
  end
end

local done, go_on = 0, 0
while budget > 0 and cursor < #ARGV do
  local start, stop = tonumber(take()), tonumber(take())
  local members = redis.call('ZRANGEBYSCORE', failed, int(start), '(' .. int(stop), 'LIMIT', 0, budget)
  local parts = range_find(cancelled, start, stop, budget)
  local reached = stop
  if #members == budget then
    reached = math.min(reached, tonumber(members[#members]) + 1)
  end
  if #parts >= budget then
    reached = math.min(reached, parts[#parts][3])
  end
  move_failed(members, reached)
  move_cancelled(parts, start, reached)
  budget = budget - #members - #parts - 1
  if reached < stop then
    go_on = reached
    break
  end
  done = done + 1
end
local moved = from_failed + from_cancelled
count(id, {pending = moved, failed = -from_failed, cancelled = -from_cancelled})
local left = redis.call('HMGET', header(id), 'failed', 'forgiven')
if tonumber(left[1]) < tonumber(left[2]) then
  redis.call('HSET', header(id), 'forgiven', left[1])
end
return {int(moved), int(done), int(go_on)}
