-- Migrates a store of layout 2 to layout 3, in short steps. Argument: how many sweeps one step moves. Returns 1 while there
-- is more to do. Steps may be repeated, and several processes may send them at once.
--
-- The first step moves the workers to other keys and leaves values of another type at the old ones. So a worker of an
-- earlier version that is still connected fails at the first command of its next request, and changes nothing. Its leases
-- run out, and its jobs run again. (One without a record there may still claim jobs; see check_leases.lua.)
local most = tonumber(ARGV[1])
local layout = redis.call('GET', 'sweep:layout')

local function move_workers()
  local workers = redis.call('ZRANGE', 'sweep:workers', 0, -1, 'WITHSCORES')
  for i = 1, #workers, 2 do
    local worker = workers[i]
    redis.call('ZADD', 'sweep:heartbeats', workers[i + 1], worker)
    if redis.call('EXISTS', 'sweep:w:' .. worker) == 1 then
      redis.call('RENAME', 'sweep:w:' .. worker, 'sweep:worker:' .. worker)
    end
    -- Kept for a month: no connection lives longer.
    redis.call('SET', 'sweep:w:' .. worker, 'moved by layout 3', 'EX', 2592000)
  end
  redis.call('SET', 'sweep:workers', 'moved by layout 3')
end

-- The deadlines are not known yet, so the next check reads the leases of these sweeps.
local function move_leased()
  for _, id in ipairs(redis.call('SMEMBERS', 'sweep:leased')) do
    redis.call('ZADD', 'sweep:deadlines', 0, id)
    -- Each of the workers may have leases of it.
    for _, worker in ipairs(redis.call('ZRANGE', 'sweep:heartbeats', 0, -1)) do
      note_holder(worker, id)
    end
  end
  redis.call('UNLINK', 'sweep:leased')
end

-- Layout 2 kept all sweeps with jobs left in one set for each queue.
local function move_sweeps()
  local done = redis.call('GET', 'sweep:migrated') or '-inf'
  local sweeps = redis.call('ZRANGEBYSCORE', 'sweep:ids', '(' .. done, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  for i = 1, #sweeps, 2 do
    local id, serial = sweeps[i], sweeps[i + 1]
    local head = redis.call('HMGET', header(id), 'pending', 'running', 'paused', 'queue')
    if head[1] then
      local set = queue_set(tonumber(head[1]), tonumber(head[2]), head[3])
      change_queue_set(id, head[4], serial, set and 'q', set)
    end
    redis.call('SET', 'sweep:migrated', serial)
  end
  return #sweeps > 0
end

if layout == '2' then
  move_workers()
  move_leased()
  redis.call('SET', 'sweep:layout', '2>3')
elseif layout ~= '2>3' then
  return 0
elseif not move_sweeps() then
  redis.call('SET', 'sweep:layout', '3')
  redis.call('DEL', 'sweep:migrated')
  return 0
end
return 1
