-- Refuses to write to a store of another layout. It is placed before each script that writes. `LAYOUT` is the layout of
-- this version of sweep.
local layout = redis.call('GET', 'sweep:layout')
if not layout then
  redis.call('SET', 'sweep:layout', LAYOUT)
elseif layout ~= LAYOUT then
  return redis.error_reply('LAYOUT ' .. layout)
end
