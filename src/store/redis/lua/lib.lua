-- Owns what the scripts share; it stands before each of them. The keys are described in ../mod.rs.
--
-- Indices, counts and milliseconds are doubles here, exact up to 2^53; they become text by `int` alone, because Lua's
-- own way rounds to 14 digits. Tokens have 64 bits and stay text.

-- '%d' is twice as fast, where the server's whole numbers have 64 bits.
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

-- The parts of a set of ranges that lie in [start, stop), as {member, its start, its stop}; at most limit and one.
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

-- Takes [start, stop) out of a part that `range_find` found.
local function range_cut(where, part, start, stop)
  redis.call('ZREM', where, part[1])
  if part[2] < start then
    range_put(where, part[2], start)
  end
  if part[3] > stop then
    range_put(where, stop, part[3])
  end
end

-- Takes one index out; says whether it was there.
local function range_remove(where, index)
  local part = range_find(where, index, index, 1)[1]
  if not part then
    return false
  end
  range_cut(where, part, index, index + 1)
  return true
end

-- Tries: a sorted set with score index and members "index attempts failures losses token", for points that were tried,
-- have not succeeded and are not leased (a leased point's row is of the attempt before and means nothing). The token
-- is that of a claim that ran out, whose outcome may still come; otherwise "-".

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

-- Delayed points stand in two sorted sets: by index, and by the time they are due, there with all 16 digits of the
-- index so that those of one millisecond are in order.

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

-- Leases: a hash from index to "attempt token deadline length started doomed failures losses worker". `length` is how
-- long it was given for; `started` is a time, or 0; `doomed` is 1 when the sweep was cancelled since.

local function lease_read(text)
  local attempt, token, deadline, length, started, doomed, failures, losses, worker =
    string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d) (%d+) (%d+) (.*)$')
  return {
    attempt = attempt,
    token = token,
    deadline = tonumber(deadline),
    length = tonumber(length),
    started = started,
    doomed = doomed,
    failures = failures,
    losses = losses,
    worker = worker,
  }
end

local function lease_text(lease)
  return lease.attempt .. ' ' .. lease.token .. ' ' .. int(lease.deadline) .. ' ' .. int(lease.length) .. ' '
    .. lease.started .. ' ' .. lease.doomed .. ' ' .. lease.failures .. ' ' .. lease.losses .. ' ' .. lease.worker
end

-- Changes every lease of a sweep.
local function leases_change(id, change)
  local where = key(id, 'leases')
  local all = redis.call('HGETALL', where)
  for i = 2, #all, 2 do
    local lease = lease_read(all[i])
    change(lease)
    all[i] = lease_text(lease)
  end
  call_in_parts('HSET', where, all)
end

-- Tells the idle workers of a queue that jobs of a sweep may have become claimable, or that its last job has ended: a
-- stream of one entry, which workers wait for with XREAD. It says about how many workers learn of it.
local function signal_work(queue, id)
  redis.call('XADD', 'sweep:bell:' .. queue, 'MAXLEN', 1, '*', 'sweep', id, 'workers',
    redis.call('ZCARD', 'sweep:workers'))
end

-- Adds changes to a sweep's counts and keeps the sets of sweeps that have work or leases true.
local function count(id, changes)
  local head = header(id)
  for name, change in pairs(changes) do
    if change ~= 0 then
      redis.call('HINCRBY', head, name, int(change))
    end
  end
  local now = redis.call('HMGET', head, 'pending', 'running', 'queue', 'serial')
  local pending, running, queue = tonumber(now[1]), tonumber(now[2]), 'sweep:q:' .. now[3]
  if (changes.pending or 0) > 0 or pending + running == 0 then
    signal_work(now[3], id)
  end
  if running == 0 then
    redis.call('SREM', 'sweep:leased', id)
  elseif running == changes.running then
    redis.call('SADD', 'sweep:leased', id)
  end
  if pending + running == 0 then
    redis.call('ZREM', queue, id)
  elseif pending == changes.pending then
    redis.call('ZADD', queue, now[4], id)
  end
end
