-- Owns claims: what is given to whom asks. A part of exchange.lua, which says what a wish looks like.

local function read_wish(worker, now)
  local wish = {worker = worker, now = now, most = tonumber(take())}
  if wish.most > 0 then
    wish.lease, wish.token, wish.kind, wish.names = tonumber(take()), take(), take(), {}
    for i = 1, tonumber(take()) do
      wish.names[i] = take()
    end
    wish.except = {}
    for _ = 1, tonumber(take()) do
      wish.except[take()] = true
    end
  end
  return wish
end

-- A claimer for one sweep: collects leases and lines of the reply.
local function claimer(id, wish)
  local self = {given = 0, leases = {}, lines = {}}
  local rest = ' ' .. wish.token .. ' ' .. int(wish.now + wish.lease) .. ' ' .. int(wish.lease) .. ' 0 0 '
  local fresh = '1' .. rest .. '0 0 ' .. wish.worker

  local function add(index, lease)
    self.leases[#self.leases + 1] = index
    self.leases[#self.leases + 1] = lease
    self.given = self.given + 1
  end

  -- A point that was tried before.
  function self.again(index, tries)
    local attempt = int(tries.attempts + 1)
    add(index, attempt .. rest .. tries.failures .. ' ' .. tries.losses .. ' ' .. wish.worker)
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
  local due = redis.call('ZRANGEBYSCORE', key(id, 'due'), '-inf', int(wish.now), 'LIMIT', 0, wish.most)
  for i = 1, #due do
    local index = int(tonumber(due[i]))
    claims.again(index, tries_of(id, index) or {attempts = 0, failures = '0', losses = '0'})
    undelay(id, index)
  end
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
  if wish.except[id] then
    return
  end
  local head = redis.call('HMGET', header(id), 'pending', 'paused', 'submitted')
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
  return 'claims ' .. id .. ' ' .. wish.token .. ' ' .. head[3] .. '\n' .. table.concat(claims.lines, '\n') .. '\n'
end

-- The lines of the reply for the claims given; none: there is nothing to give.
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
