-- Refuses to write to a store of another layout; it stands before each script that writes. `LAYOUT` is this version's.
local layout = redis.call('GET', 'sweep:layout')
if not layout then
  redis.call('SET', 'sweep:layout', LAYOUT)
elseif layout ~= LAYOUT then
  return redis.error_reply('LAYOUT ' .. layout)
end
