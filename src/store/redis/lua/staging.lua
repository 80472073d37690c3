-- Owns staged sweeps; it stands before the scripts that create, fill, commit or drop them. `sweep:drafts` has their tokens
-- by the time of their last request, `sweep:d:TOKEN` what is known of each: id, parts, reused, ready.

local function staged_key(token)
  return 'sweep:d:' .. token
end

-- Drops one. Its points and chunks go to `sweep:trash`, for purge.lua.
local function drop_staged(token)
  local id = redis.call('HGET', staged_key(token), 'id')
  if id then
    redis.call('SADD', 'sweep:trash', id)
  end
  redis.call('UNLINK', staged_key(token))
  redis.call('ZREM', 'sweep:drafts', token)
end

-- Drops those without a request for this many milliseconds, some at a time.
local function drop_timed_out(silence)
  local timed_out = redis.call('ZRANGEBYSCORE', 'sweep:drafts', '-inf', int(clock() - silence), 'LIMIT', 0, 100)
  for i = 1, #timed_out do
    drop_staged(timed_out[i])
  end
end

local function note_request(token)
  redis.call('ZADD', 'sweep:drafts', int(clock()), token)
end
