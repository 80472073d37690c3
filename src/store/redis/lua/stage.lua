-- Creates a staged sweep, once for each token. Arguments: time without a request after which staged sweeps time out
-- (milliseconds), token, name.
-- Returns its id.
local silence, token, name = unpack(ARGV)

drop_timed_out(tonumber(silence))
local known = redis.call('HGET', staged_key(token), 'id')
if known then
  return known
end
local id = name .. '-' .. int(redis.call('HINCRBY', 'sweep:names', name, 1))
redis.call('HSET', staged_key(token), 'id', id, 'parts', 0, 'reused', 0, 'ready', 0)
note_request(token)
return id
