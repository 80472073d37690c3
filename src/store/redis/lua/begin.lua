-- Begins a sweep in the making, once for each token. Arguments: silence after which others are given up, layout, token,
-- name. Returns its id.
local silent, layout, token, name = unpack(ARGV)

drafts_give_up(tonumber(silent))
local known = redis.call('HGET', draft_of(token), 'id')
if known then
  return known
end
redis.call('SET', 'sweep:layout', layout, 'NX')
local id = name .. '-' .. int(redis.call('HINCRBY', 'sweep:names', name, 1))
redis.call('HSET', draft_of(token), 'id', id, 'parts', 0, 'reused', 0, 'ready', 0)
draft_heard(token)
return id
