-- Gives a sweep in the making a part, once. Arguments: token, number of the part, how many points its records are of,
-- and counted lists of chunks (block, chunk), ranges (start, stop) and columns (name, place). Returns 0 if it was given
-- up.
local token, part, points = take(), tonumber(take()), take()

local known = redis.call('HMGET', draft_of(token), 'id', 'parts')
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
redis.call('HSET', draft_of(token), 'parts', int(part + 1))
redis.call('HINCRBY', draft_of(token), 'reused', points)
redis.call('HINCRBY', draft_of(token), 'ready', int(ready))
draft_heard(token)
return 1
