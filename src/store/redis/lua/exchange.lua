-- Records outcomes and gives claims, in one step, once. Arguments: worker, request number (20 digits), wish, reports.
-- A wish is the most claims, lease in milliseconds, token, kind of scope, and a counted list of its names; 0 alone is no
-- wish. A report is sweep, block, chunk, a counted list of columns (name and "index position"), and a counted list of
-- entries, each an index, "attempt token verdict… attempts failures losses flags", and its output if it has one.
--
-- The reply is nothing when a later request was applied already. Otherwise it is text, because it is kept for the case
-- that it gets lost: lines "stale POSITION INDEX…", then "claims SWEEP TOKEN" followed by lines "START STOP" (first
-- attempts) and "INDEX ATTEMPTS FAILURES LOSSES".
local worker, seq = take(), take()
local desk = 'sweep:w:' .. worker
local now = clock()

-- 1. Applied already?
local last = redis.call('HMGET', desk, 'seq', 'reply')
if last[1] == seq then
  return last[2]
end
if last[1] and last[1] > seq then
  return false
end

local function read_wish()
  local wish = {most = tonumber(take())}
  if wish.most > 0 then
    wish.lease, wish.token, wish.kind, wish.names = tonumber(take()), take(), take(), {}
    for i = 1, tonumber(take()) do
      wish.names[i] = take()
    end
  end
  return wish
end

-- What an entry says besides its index. Read once for all entries that say the same, which most of a batch do.
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
  local report = {sweep = take(), block = take(), chunk = take(), columns = {}, entries = {}, indices = {}}
  for i = 1, tonumber(take()) do
    report.columns[i] = {take(), take()}
  end
  for i = 1, tonumber(take()) do
    local entry = read_entry()
    report.entries[i], report.indices[i] = entry, entry.index
  end
  return report
end

-- 2. Outcomes.

-- Where a point stands that is not leased.
local function standing(id, index)
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

-- Where the entry's point comes from, if the claim is good.
local function source(id, entry)
  local lease, said = entry.lease, entry.says
  if not lease then
    local tries = not said.only_if_expired and tries_of(id, entry.index)
    if tries and int(tries.attempts) .. ' ' .. tries.token == said.claim then
      return standing(id, entry.index)
    end
  elseif string.sub(lease, 1, #said.lease_start) == said.lease_start then
    if not said.only_if_expired or lease_read(lease).deadline <= now then
      return 'leased'
    end
  end
end

-- The indices whose claims are stale; notes in each entry where its point comes from.
local function check(report)
  local stale, seen, at = {}, {}, 1
  while at <= #report.indices do
    local to = math.min(at + 999, #report.indices)
    local leases = redis.call('HMGET', key(report.sweep, 'leases'), unpack(report.indices, at, to))
    for i = at, to do
      local entry = report.entries[i]
      entry.lease = leases[i - at + 1]
      entry.from = not seen[entry.index] and source(report.sweep, entry)
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
    redis.call('ZREM', key(id, 'delayed'), entry.index)
    redis.call('ZREM', key(id, 'due'), entry.index)
  elseif entry.from == 'failed' then
    redis.call('ZREM', key(id, 'failed'), entry.index)
  elseif entry.from ~= 'leased' then
    range_remove(key(id, entry.from), tonumber(entry.index))
  end
end

-- Puts the point where the verdict says, and returns the count that it belongs to.
local function enter(id, entry)
  local verdict, delay = entry.says.verdict, entry.says.delay
  if verdict == 'S' then
    return 'succeeded'
  elseif verdict == 'F' then
    redis.call('ZADD', key(id, 'failed'), entry.index, entry.index)
    return 'failed'
  end
  local doomed = entry.from == 'cancelled' or entry.from == 'leased' and lease_read(entry.lease).doomed == '1'
  local index = tonumber(entry.index)
  if verdict == 'C' or doomed then
    range_add(key(id, 'cancelled'), index, index + 1)
    return 'cancelled'
  end
  if delay == '0' then
    range_add(key(id, 'ready'), index, index + 1)
  else
    redis.call('ZADD', key(id, 'due'), int(now + tonumber(delay)), entry.index)
    redis.call('ZADD', key(id, 'delayed'), entry.index, entry.index)
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

local function apply(report)
  local id = report.sweep
  local changes = {pending = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0}
  call_in_parts('HDEL', key(id, 'leases'), report.indices)
  for _, entry in ipairs(report.entries) do
    leave(id, entry)
    keep_tries(id, entry)
    local before, after = counted_as[entry.from], enter(id, entry)
    changes[before] = changes[before] - 1
    changes[after] = changes[after] + 1
  end
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

local function record(report)
  if redis.call('EXISTS', header(report.sweep)) == 0 then
    return report.indices
  end
  local stale = check(report)
  if #stale == 0 then
    apply(report)
  end
  return stale
end

-- 3. Claims.

-- A claimer for one sweep: collects leases and lines of the reply.
local function claimer(id, wish)
  local self = {given = 0, leases = {}, lines = {}}
  local rest = ' ' .. wish.token .. ' ' .. int(now + wish.lease) .. ' 0 0 '
  local fresh = '1' .. rest .. '0 0 ' .. worker

  local function add(index, lease)
    self.leases[#self.leases + 1] = index
    self.leases[#self.leases + 1] = lease
    self.given = self.given + 1
  end

  -- A point that was tried before.
  function self.again(index, tries)
    local attempt = int(tries.attempts + 1)
    add(index, attempt .. rest .. tries.failures .. ' ' .. tries.losses .. ' ' .. worker)
    self.lines[#self.lines + 1] = index .. ' ' .. attempt .. ' ' .. tries.failures .. ' ' .. tries.losses
  end

  -- A run of points that were not.
  function self.fresh(start, stop)
    if start < stop then
      for index = start, stop - 1 do
        add(int(index), fresh)
      end
      self.lines[#self.lines + 1] = int(start) .. ' ' .. int(stop)
    end
  end

  function self.ready(start, stop)
    local tried = redis.call('ZRANGEBYSCORE', key(id, 'tries'), int(start), '(' .. int(stop))
    for i = 1, #tried do
      local tries = tries_read(tried[i])
      local index = tonumber(tries.index)
      self.fresh(start, index)
      self.again(tries.index, tries)
      start = index + 1
    end
    self.fresh(start, stop)
  end

  return self
end

-- Delayed points that are due, the one that has waited longest first.
local function claim_due(id, wish, claims)
  local due = redis.call('ZRANGEBYSCORE', key(id, 'due'), '-inf', int(now), 'LIMIT', 0, wish.most)
  for i = 1, #due do
    claims.again(due[i], tries_of(id, due[i]) or {attempts = 0, failures = '0', losses = '0'})
  end
  call_in_parts('ZREM', key(id, 'due'), due)
  call_in_parts('ZREM', key(id, 'delayed'), due)
end

local function claim_ready(id, wish, claims)
  while claims.given < wish.most do
    local front = redis.call('ZRANGE', key(id, 'ready'), 0, 0)[1]
    if not front then
      return
    end
    local start, stop = range_read(front)
    local cut = math.min(stop, start + wish.most - claims.given)
    redis.call('ZREM', key(id, 'ready'), front)
    if cut < stop then
      range_put(key(id, 'ready'), cut, stop)
    end
    claims.ready(start, cut)
  end
end

-- The lines of the reply for claims of one sweep; none: it has nothing to give now.
local function claim_from(id, wish)
  local head = redis.call('HMGET', header(id), 'pending', 'paused')
  if head[2] or tonumber(head[1] or 0) == 0 then
    return
  end
  local claims = claimer(id, wish)
  claim_due(id, wish, claims)
  claim_ready(id, wish, claims)
  if claims.given == 0 then
    return
  end
  call_in_parts('HSET', key(id, 'leases'), claims.leases)
  count(id, {pending = -claims.given, running = claims.given})
  return 'claims ' .. id .. ' ' .. wish.token .. '\n' .. table.concat(claims.lines, '\n') .. '\n'
end

local function claim(wish)
  if wish.kind == 'sweep' then
    return claim_from(wish.names[1], wish)
  end
  for _, queue in ipairs(wish.names) do
    for _, id in ipairs(redis.call('ZRANGE', 'sweep:q:' .. queue, 0, -1)) do
      local lines = claim_from(id, wish)
      if lines then
        return lines
      end
    end
  end
end

mind_the_gap(now)
local wish = read_wish()
local reply = {}
for position = 0, tonumber(take()) - 1 do
  local stale = record(read_report())
  if #stale > 0 then
    reply[#reply + 1] = 'stale ' .. position .. ' ' .. table.concat(stale, ' ') .. '\n'
  end
end
if wish.most > 0 then
  reply[#reply + 1] = claim(wish)
end
reply = table.concat(reply)

-- 4. Kept, for the case that the reply gets lost. A worker that is not known by a heartbeat yet is noted, too, so that
-- this is cleared away some day.
redis.call('HSET', desk, 'seq', seq, 'reply', reply)
if not last[1] then
  redis.call('ZADD', 'sweep:workers', 'NX', int(now), worker)
end
return reply
