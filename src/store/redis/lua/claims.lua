-- Owns claims: which jobs a worker gets. A part of exchange.lua, which describes the claim request.

local function read_claim_request(worker, now)
  local request = {worker = worker, now = now, most = tonumber(take())}
  if request.most > 0 then
    request.lease, request.token, request.kind, request.names = tonumber(take()), take(), take(), {}
    for i = 1, tonumber(take()) do
      request.names[i] = take()
    end
    request.except = {}
    for _ = 1, tonumber(take()) do
      request.except[take()] = true
    end
  end
  return request
end

-- A claimer for one sweep: collects leases and lines of the reply.
local function claimer(id, request, cancels)
  local self = {given = 0, leases = {}, lines = {}}
  local rest = ' ' .. request.token .. ' ' .. int(request.now + request.lease) .. ' ' .. int(request.lease) .. ' 0 '
    .. int(2 * tonumber(cancels or 0)) .. ' '
  local fresh = '1' .. rest .. '0 0 ' .. request.worker

  local function add(index, lease)
    self.leases[#self.leases + 1] = index
    self.leases[#self.leases + 1] = lease
    self.given = self.given + 1
  end

  -- A point that was tried before.
  function self.again(index, tries)
    local attempt = int(tries.attempts + 1)
    add(index, attempt .. rest .. tries.failures .. ' ' .. tries.losses .. ' ' .. request.worker)
    self.lines[#self.lines + 1] = index .. ' ' .. attempt .. ' ' .. tries.failures .. ' ' .. tries.losses
  end

  -- Consecutive points that were not.
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
local function claim_due(id, request, claims)
  local due = redis.call('ZRANGEBYSCORE', key(id, 'due'), '-inf', int(request.now), 'LIMIT', 0, request.most)
  for i = 1, #due do
    local index = int(tonumber(due[i]))
    claims.again(index, tries_of(id, index) or {attempts = 0, failures = '0', losses = '0'})
    undelay(id, index)
  end
end

local function claim_ready(id, request, claims)
  while claims.given < request.most do
    local front = redis.call('ZRANGE', key(id, 'ready'), 0, 0)[1]
    if not front then
      return
    end
    local start, stop = range_read(front)
    local cut = math.min(stop, start + request.most - claims.given)
    redis.call('ZREM', key(id, 'ready'), front)
    if cut < stop then
      range_put(key(id, 'ready'), cut, stop)
    end
    claims.ready(start, cut)
  end
end

-- The lines of the reply for claims of one sweep; nil if it has none to give now.
local function claim_from(id, request)
  if request.except[id] then
    return
  end
  local head = redis.call('HMGET', header(id), 'pending', 'paused', 'cancels', 'submitted')
  if head[2] or tonumber(head[1] or 0) == 0 then
    return
  end
  local claims = claimer(id, request, head[3])
  claim_due(id, request, claims)
  claim_ready(id, request, claims)
  if claims.given == 0 then
    return
  end
  call_in_parts('HSET', key(id, 'leases'), claims.leases)
  note_deadline(id, request.now + request.lease)
  note_holder(request.worker, id)
  count(id, {pending = -claims.given, running = claims.given})
  return 'claims ' .. id .. ' ' .. request.token .. ' ' .. head[4] .. '\n' .. table.concat(claims.lines, '\n') .. '\n'
end

-- How many sweeps of a queue are read at once. Usually the first one has claims to give.
local PAGE = 16

local function claim_from_queue(queue, request)
  local from = 0
  while true do
    local page = redis.call('ZRANGE', 'sweep:q:' .. queue, from, from + PAGE - 1)
    for _, id in ipairs(page) do
      local lines = claim_from(id, request)
      if lines then
        return lines
      end
    end
    if #page < PAGE then
      return
    end
    from = from + PAGE
  end
end

-- The lines of the reply for the claims given; nil if there are none.
local function claim(request)
  if request.kind == 'sweep' then
    return claim_from(request.names[1], request)
  end
  for _, queue in ipairs(request.names) do
    local lines = claim_from_queue(queue, request)
    if lines then
      return lines
    end
  end
end
