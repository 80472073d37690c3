-- Adds a part to a staged sweep, once. Arguments: token, number of the part, how many points it has records of, and
-- counted lists of chunks (block, chunk), ranges (start, stop) and columns (name, place). Returns 0 if the staged sweep
-- has timed out.
local token, part, points = take(), tonumber(take()), take()

local known = redis.call('HMGET', staged_key(token), 'id', 'parts')
local id = known[1]
if not id then
  return 0
end
if part < tonumber(known[2]) then
  return 1
end
for _ = 1, tonumber(take()) do
  local block, chunk = take(), take()
  redis.call('RPUSH', key(id, 'log:' .. block), chunk)
  redis.call('ZADD', key(id, 'blocks'), block, block)
end
local ready = 0
for _ = 1, tonumber(take()) do
  local start, stop = tonumber(take()), tonumber(take())
  range_put(key(id, 'ready'), start, stop)
  ready = ready + stop - start
end
for _ = 1, tonumber(take()) do
  local name, place = take(), take()
  redis.call('HSET', key(id, 'columns'), name, place)
end
redis.call('HSET', staged_key(token), 'parts', int(part + 1))
redis.call('HINCRBY', staged_key(token), 'reused', points)
redis.call('HINCRBY', staged_key(token), 'ready', int(ready))
note_request(token)
return 1
