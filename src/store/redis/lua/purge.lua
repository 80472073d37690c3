-- Frees a part of the keys of removed sweeps and dropped staged sweeps. Argument: the most blocks to free. Returns 1 while
-- there is more to free.
local most = tonumber(ARGV[1])

local id = redis.call('SRANDMEMBER', 'sweep:trash')
if not id then
  return 0
end
local blocks = redis.call('ZPOPMIN', key(id, 'blocks'), most)
for i = 1, #blocks, 2 do
  redis.call('UNLINK', key(id, 'log:' .. blocks[i]), key(id, 'out:' .. blocks[i]))
end
if #blocks == 0 then
  for _, what in ipairs({'doc', 'inputs', 'ready', 'cancelled', 'due', 'delayed', 'tries', 'failed', 'columns'}) do
    redis.call('UNLINK', key(id, what))
  end
  redis.call('SREM', 'sweep:trash', id)
end
return 1
