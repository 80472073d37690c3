-- Returns how much there is to do. Arguments: "sweep" and an id, or "queues" and their names. Returns the counts of ready, delayed
-- and leased points, and the paused sweeps with jobs left, at most 100 of each queue. A store of layout 2 has all sweeps with jobs left in the first
-- of the three sets.
local scope = take()
local now = clock()
local ready, delayed, leased, paused = 0, 0, 0, {}

local function add(id)
  local head = redis.call('HMGET', header(id), 'pending', 'running', 'paused')
  local pending, running = tonumber(head[1]), tonumber(head[2])
  if pending + running == 0 then
    return
  end
  if head[3] then
    paused[#paused + 1] = id
    return
  end
  local later = redis.call('ZCOUNT', key(id, 'due'), '(' .. int(now), '+inf')
  ready, delayed, leased = ready + pending - later, delayed + later, leased + running
end

if scope == 'sweep' then
  local id = take()
  if redis.call('EXISTS', header(id)) == 0 then
    return no_sweep(id)
  end
  add(id)
else
  local seen = {}
  while cursor < #ARGV do
    local queue = take()
    if not seen[queue] then
      seen[queue] = true
      for _, set in ipairs({'q', 'running'}) do
        for _, id in ipairs(redis.call('ZRANGE', 'sweep:' .. set .. ':' .. queue, 0, -1)) do
          add(id)
        end
      end
      for _, id in ipairs(redis.call('ZRANGE', 'sweep:paused:' .. queue, 0, 99)) do
        paused[#paused + 1] = id
      end
    end
  end
end
return {int(ready), int(delayed), int(leased), paused}
