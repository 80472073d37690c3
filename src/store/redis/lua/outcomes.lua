-- Owns outcomes: reading reports, checking their claims, moving the points. A part of exchange.lua, which describes a
-- report.

-- The parts of an entry besides its index. Most entries of a batch have the same text, which is parsed once.
local says = setmetatable({}, {
  __index = function(known, text)
    local claim, verdict, delay, attempts, failures, losses, expired, output =
      string.match(text, '^(%d+ %d+) (%a)(%d*) (%d+) (%d+) (%d+) ([x-])([o-])$')
    known[text] = {
      claim = claim,
      lease_start = claim .. ' ',
      is_first = string.sub(claim, 1, 2) == '1 ',
      verdict = verdict,
      delay = delay,
      attempts = attempts,
      failures = failures,
      losses = losses,
      only_if_expired = expired == 'x',
      has_output = output == 'o',
    }
    return known[text]
  end,
})

local function read_entry()
  local entry = {index = take(), says = says[take()]}
  entry.output = entry.says.has_output and take()
  return entry
end

local function read_report()
  local report = {sweep = take(), submission = take(), block = take(), chunk = take()}
  report.columns, report.entries, report.indices = {}, {}, {}
  for i = 1, tonumber(take()) do
    report.columns[i] = {take(), take()}
  end
  for i = 1, tonumber(take()) do
    local entry = read_entry()
    report.entries[i], report.indices[i] = entry, entry.index
  end
  return report
end

-- The set that a point which is not leased belongs to.
local function set_of(id, index)
  local ready, cancelled = key(id, 'ready'), key(id, 'cancelled')
  if redis.call('ZSCORE', key(id, 'delayed'), index) then
    return 'delayed'
  elseif redis.call('ZSCORE', key(id, 'failed'), index) then
    return 'failed'
  elseif range_find(ready, tonumber(index), tonumber(index), 1)[1] then
    return 'ready'
  elseif range_find(cancelled, tonumber(index), tonumber(index), 1)[1] then
    return 'cancelled'
  end
end

-- The set that the entry's point leaves; nothing if the claim is stale.
local function source(id, entry, now)
  local lease, said = entry.lease, entry.says
  if not lease then
    local tries = not said.only_if_expired and tries_of(id, entry.index)
    if tries and int(tries.attempts) .. ' ' .. tries.token == said.claim then
      return set_of(id, entry.index)
    end
  elseif string.sub(lease, 1, #said.lease_start) == said.lease_start then
    if not said.only_if_expired or lease_deadline(lease_read(lease), now) <= now then
      return 'leased'
    end
  end
end

-- The indices whose claims are stale; notes in each entry the set that its point leaves.
local function check(report, now)
  local stale, seen, at = {}, {}, 1
  while at <= #report.indices do
    local to = math.min(at + 999, #report.indices)
    local leases = redis.call('HMGET', key(report.sweep, 'leases'), unpack(report.indices, at, to))
    for i = at, to do
      local entry = report.entries[i]
      entry.lease = leases[i - at + 1]
      entry.from = not seen[entry.index] and source(report.sweep, entry, now)
      seen[entry.index] = true
      if not entry.from then
        stale[#stale + 1] = entry.index
      end
    end
    at = to + 1
  end
  return stale
end

local function leave(id, entry)
  if entry.from == 'delayed' then
    undelay(id, entry.index)
  elseif entry.from == 'failed' then
    redis.call('ZREM', key(id, 'failed'), entry.index)
  elseif entry.from ~= 'leased' then
    range_remove(key(id, entry.from), tonumber(entry.index))
  end
end

-- Moves the point as the verdict says, and returns the count that it belongs to.
local function enter(report, entry, now)
  local id = report.sweep
  local verdict, wait = entry.says.verdict, entry.says.delay
  if verdict == 'S' then
    return 'succeeded'
  elseif verdict == 'F' then
    redis.call('ZADD', key(id, 'failed'), entry.index, entry.index)
    return 'failed'
  end
  local cancelled = entry.from == 'cancelled'
    or entry.from == 'leased' and is_cancelled(lease_read(entry.lease), report.cancels)
  local index = tonumber(entry.index)
  if verdict == 'C' or cancelled then
    range_add(key(id, 'cancelled'), index, index + 1)
    return 'cancelled'
  end
  if wait == '0' then
    range_add(key(id, 'ready'), index, index + 1)
  else
    delay(id, entry.index, now + tonumber(wait))
  end
  return 'pending'
end

local function keep_tries(id, entry)
  local said = entry.says
  if entry.from ~= 'leased' or not said.is_first then
    tries_drop(id, entry.index)
  end
  if said.verdict ~= 'S' and said.attempts ~= '0' then
    local token = said.only_if_expired and string.match(said.claim, '%d+$') or '-'
    tries_put(id, entry.index, said.attempts, said.failures, said.losses, token)
  end
end

local function is_before(place, other)
  local index, position = string.match(place, '^(%d+) (%d+)$')
  local other_index, other_position = string.match(other, '^(%d+) (%d+)$')
  index, other_index = tonumber(index), tonumber(other_index)
  return index < other_index or index == other_index and tonumber(position) < tonumber(other_position)
end

local function keep_columns(id, columns)
  for i = 1, #columns do
    local name, place = columns[i][1], columns[i][2]
    local known = redis.call('HGET', key(id, 'columns'), name)
    if not known or is_before(place, known) then
      redis.call('HSET', key(id, 'columns'), name, place)
    end
  end
end

local function keep_outputs(report)
  local outputs = {}
  for _, entry in ipairs(report.entries) do
    if entry.output then
      outputs[#outputs + 1] = entry.index .. '.' .. string.match(entry.says.claim, '^%d+')
      outputs[#outputs + 1] = entry.output
    end
  end
  call_in_parts('HSET', key(report.sweep, 'out:' .. report.block), outputs)
  return #outputs > 0
end

local counted_as = {leased = 'running', ready = 'pending', delayed = 'pending', failed = 'failed', cancelled = 'cancelled'}

local function apply(report, now)
  local id = report.sweep
  local changes = {pending = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0}
  call_in_parts('HDEL', key(id, 'leases'), report.indices)
  local at_once = 0
  for _, entry in ipairs(report.entries) do
    local said = entry.says
    if said.verdict == 'S' and said.is_first and entry.from == 'leased' then
      -- Nearly all entries are like this: the store keeps nothing for the point, before or after.
      at_once = at_once + 1
    else
      leave(id, entry)
      keep_tries(id, entry)
      local before, after = counted_as[entry.from], enter(report, entry, now)
      changes[before] = changes[before] - 1
      changes[after] = changes[after] + 1
    end
  end
  changes.running = changes.running - at_once
  changes.succeeded = changes.succeeded + at_once
  local has_outputs = keep_outputs(report)
  if report.chunk ~= '' then
    redis.call('RPUSH', key(id, 'log:' .. report.block), report.chunk)
  end
  if has_outputs or report.chunk ~= '' then
    redis.call('ZADD', key(id, 'blocks'), report.block, report.block)
  end
  keep_columns(id, report.columns)
  redis.call('HSET', header(id), 'last', int(now))
  count(id, changes)
end

-- Records a report, or returns the indices whose claims are stale.
local function record(report, now)
  local head = redis.call('HMGET', header(report.sweep), 'submitted', 'cancels')
  if head[1] ~= report.submission then
    return report.indices
  end
  report.cancels = head[2]
  local stale = check(report, now)
  if #stale == 0 then
    apply(report, now)
  end
  return stale
end
