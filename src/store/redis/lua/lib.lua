-- Owns the functions that the scripts share. It is placed before each of them. ../mod.rs describes the keys.
--
-- Indices, counts and milliseconds are doubles here, exact up to 2^53. Only `int` turns them into text, because Lua's own
-- conversion rounds to 14 digits. Tokens have 64 bits and stay text.

-- '%d' is twice as fast, if the server's integers have 64 bits.
local whole = string.format('%d', 9007199254740991) == '9007199254740991' and '%d' or '%.0f'

local function int(x)
  return string.format(whole, x)
end

-- The store's clock, milliseconds since the epoch.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function key(id, what)
  return 'sweep:s:' .. id .. ':' .. what
end

local function header(id)
  return 'sweep:s:' .. id
end

local function no_sweep(id)
  return redis.error_reply('NOSWEEP ' .. id)
end

-- Calls a command with a list of arguments of any length: `unpack` fails near 8000. Pairs stay together.
local function call_in_parts(command, where, list)
  for i = 1, #list, 1000 do
    redis.call(command, where, unpack(list, i, math.min(i + 999, #list)))
  end
end

-- The arguments of a script, one after the other.
local cursor = 0
local function take()
  cursor = cursor + 1
  return ARGV[cursor]
end

-- Sets of ranges: a sorted set with members "start:stop" (stop excluded) and score start. Neighbours are merged.

local function range_read(member)
  local start, stop = string.match(member, '^(%d+):(%d+)$')
  return tonumber(start), tonumber(stop)
end

local function range_put(where, start, stop)
  redis.call('ZADD', where, int(start), int(start) .. ':' .. int(stop))
end

local function range_add(where, start, stop)
  local before = redis.call('ZREVRANGEBYSCORE', where, int(start), '-inf', 'LIMIT', 0, 1)[1]
  if before then
    local before_start, before_stop = range_read(before)
    if before_stop >= start then
      redis.call('ZREM', where, before)
      start, stop = before_start, math.max(stop, before_stop)
    end
  end
  local after = redis.call('ZRANGEBYSCORE', where, int(stop), int(stop), 'LIMIT', 0, 1)[1]
  if after then
    local _, after_stop = range_read(after)
    redis.call('ZREM', where, after)
    stop = after_stop
  end
  range_put(where, start, stop)
end

-- The ranges of a set that overlap [start, stop), as {member, its start, its stop}; at most limit + 1.
local function range_find(where, start, stop, limit)
  local found = redis.call('ZREVRANGEBYSCORE', where, int(start), '-inf', 'LIMIT', 0, 1)
  local later = redis.call('ZRANGEBYSCORE', where, '(' .. int(start), '(' .. int(stop), 'LIMIT', 0, limit)
  for i = 1, #later do
    found[#found + 1] = later[i]
  end
  local parts = {}
  for i = 1, #found do
    local first, last = range_read(found[i])
    if last > start then
      parts[#parts + 1] = {found[i], first, last}
    end
  end
  return parts
end

-- Removes [start, stop) from a range that `range_find` returned.
local function range_cut(where, part, start, stop)
  redis.call('ZREM', where, part[1])
  if part[2] < start then
    range_put(where, part[2], start)
  end
  if part[3] > stop then
    range_put(where, stop, part[3])
  end
end

-- Removes one index. Returns whether it was there.
local function range_remove(where, index)
  local part = range_find(where, index, index, 1)[1]
  if not part then
    return false
  end
  range_cut(where, part, index, index + 1)
  return true
end

-- Attempt counts: a sorted set with score index and members "index attempts failures losses token", for points that
-- were tried, have not succeeded and are not leased. (The member of a leased point is of the attempt before and is not
-- used.) The token is that of a claim that was reported lost, whose outcome may still arrive; otherwise "-".

local function tries_read(member)
  local index, attempts, failures, losses, token = string.match(member, '^(%d+) (%d+) (%d+) (%d+) (%S+)$')
  return {index = index, attempts = tonumber(attempts), failures = failures, losses = losses, token = token}
end

local function tries_of(id, index)
  local member = redis.call('ZRANGEBYSCORE', key(id, 'tries'), index, index, 'LIMIT', 0, 1)[1]
  return member and tries_read(member)
end

local function tries_drop(id, index)
  redis.call('ZREMRANGEBYSCORE', key(id, 'tries'), index, index)
end

local function tries_put(id, index, attempts, failures, losses, token)
  local member = index .. ' ' .. attempts .. ' ' .. failures .. ' ' .. losses .. ' ' .. token
  redis.call('ZADD', key(id, 'tries'), index, member)
end

-- Delayed points are in two sorted sets: by index, and by the time when they are due. The second has indices of 16 digits,
-- so that points that are due in the same millisecond are in order.

local function due_member(index)
  return string.format('%016.0f', tonumber(index))
end

local function delay(id, index, due)
  redis.call('ZADD', key(id, 'due'), int(due), due_member(index))
  redis.call('ZADD', key(id, 'delayed'), index, index)
end

local function undelay(id, index)
  redis.call('ZREM', key(id, 'due'), due_member(index))
  redis.call('ZREM', key(id, 'delayed'), index)
end

-- Leases: a hash from index to "attempt token deadline length started cancels failures losses worker". The deadline is
-- that of the last renewal, before `lease_deadline`; `length` is the time for which the lease was given; `started` is
-- a time, or 0. `cancels` is twice the number of cancels of the sweep before the claim; 1 (written by layout 2): the
-- sweep was cancelled since.

local function lease_read(text)
  local attempt, token, deadline, length, started, cancels, failures, losses, worker =
    string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (.*)$')
  return {
    attempt = attempt,
    token = token,
    deadline = tonumber(deadline),
    length = tonumber(length),
    started = started,
    cancels = cancels,
    failures = failures,
    losses = losses,
    worker = worker,
  }
end

local function lease_text(lease)
  return lease.attempt .. ' ' .. lease.token .. ' ' .. int(lease.deadline) .. ' ' .. int(lease.length) .. ' '
    .. lease.started .. ' ' .. lease.cancels .. ' ' .. lease.failures .. ' ' .. lease.losses .. ' ' .. lease.worker
end

-- Whether the sweep was cancelled since the claim. `cancels` is the field of the header, or false.
local function is_cancelled(lease, cancels)
  return lease.cancels == '1' or tonumber(lease.cancels) < 2 * tonumber(cancels or 0)
end

-- The clock may be set back. Then leases of the time before seem to be given or renewed in the future, by more than the
-- few seconds between two checks (`sweep:looked`) can explain. They hold no longer than a whole lease from the moment in
-- which a check noticed it (`sweep:set-back`).
local function limit_future_lease(lease, deadline, now)
  local times = redis.call('MGET', 'sweep:looked', 'sweep:set-back')
  local renewed, checked, set_back = lease.deadline - lease.length, tonumber(times[1] or 0), tonumber(times[2])
  if set_back and renewed > math.max(now, checked) + 5000 then
    return math.min(deadline, set_back + lease.length)
  end
  return deadline
end

-- When a lease runs out. `sweep:absences` lists the times in which nobody checked leases (the store was away, or every
-- machine slept), oldest first, as "end length". They prolong each lease that was given or renewed before their end, up
-- to a whole lease from that end.
local absences
local function lease_deadline(lease, now)
  if not absences then
    absences = redis.call('LRANGE', 'sweep:absences', 0, -1)
    for i = 1, #absences do
      local over, length = string.match(absences[i], '^(%d+) (%d+)$')
      absences[i] = {over = tonumber(over), length = tonumber(length)}
    end
  end
  local deadline = lease.deadline
  for i = 1, #absences do
    local absence = absences[i]
    if deadline - lease.length < absence.over then
      deadline = math.min(deadline + absence.length, absence.over + lease.length)
    end
  end
  if lease.deadline - lease.length > now then
    return limit_future_lease(lease, deadline, now)
  end
  return deadline
end

-- Notes that a sweep has a lease that runs out then. `sweep:deadlines` has the sweeps with leases; the score is no later
-- than the earliest deadline.
local function note_deadline(id, deadline)
  redis.call('ZADD', 'sweep:deadlines', 'LT', int(deadline), id)
end

-- Notes that a worker has a lease of a sweep. `sweep:holds:WORKER` has all sweeps of which a worker has leases, and may
-- have others.
local function note_holder(worker, id)
  redis.call('SADD', 'sweep:holds:' .. worker, id)
end

-- Tells the idle workers of a queue that jobs of a sweep may have become claimable, or that its last job has ended: a
-- stream of one entry, which workers wait for with XREAD. It says about how many workers learn of it.
local function signal_work(queue, id)
  redis.call('XADD', 'sweep:bell:' .. queue, 'MAXLEN', 1, '*', 'sweep', id, 'workers',
    redis.call('ZCARD', 'sweep:heartbeats'))
end

-- The set of its queue that a sweep is in: 'q' if it may give claims, now or when a point is due; 'running' if it only has
-- leases; 'paused' if it has either and is paused; nil if all its points have ended.
local function queue_set(pending, running, paused)
  if pending + running == 0 then
    return nil
  elseif paused then
    return 'paused'
  end
  return pending > 0 and 'q' or 'running'
end

local function change_queue_set(id, queue, serial, before, after)
  if before == after then
    return
  end
  if before then
    redis.call('ZREM', 'sweep:' .. before .. ':' .. queue, id)
  end
  if after then
    redis.call('ZADD', 'sweep:' .. after .. ':' .. queue, serial, id)
  end
end

-- Adds changes to a sweep's counts and keeps the sets of sweeps that have work or leases up to date.
local function count(id, changes)
  local head = header(id)
  for name, change in pairs(changes) do
    if change ~= 0 then
      redis.call('HINCRBY', head, name, int(change))
    end
  end
  local now = redis.call('HMGET', head, 'pending', 'running', 'paused', 'queue', 'serial')
  local pending, running, paused, queue = tonumber(now[1]), tonumber(now[2]), now[3], now[4]
  local more_pending, more_running = changes.pending or 0, changes.running or 0
  if running == 0 and more_running < 0 then
    redis.call('ZREM', 'sweep:deadlines', id)
    redis.call('HDEL', 'sweep:scans', id)
  end
  change_queue_set(id, queue, now[5], queue_set(pending - more_pending, running - more_running, paused),
    queue_set(pending, running, paused))
  if more_pending > 0 or pending + running == 0 then
    signal_work(queue, id)
  end
end
