-- Owns staged sweeps. It is placed before the scripts that create, extend, commit or drop them. `sweep:drafts` has their
-- tokens by the time of their last request, `sweep:d:TOKEN` the fields of each: id, parts, reused, ready.

local function staged_key(token)
  return 'sweep:d:' .. token
end

-- Drops a staged sweep. purge.lua frees its points and chunks, by `sweep:trash`.
local function drop_staged(token)
  local id = redis.call('HGET', staged_key(token), 'id')
  if id then
    redis.call('SADD', 'sweep:trash', id)
  end
  redis.call('UNLINK', staged_key(token))
  redis.call('ZREM', 'sweep:drafts', token)
end

-- Drops staged sweeps without a request for this many milliseconds, at most 100 at once.
local function drop_timed_out(silence)
  local timed_out = redis.call('ZRANGEBYSCORE', 'sweep:drafts', '-inf', int(clock() - silence), 'LIMIT', 0, 100)
  for i = 1, #timed_out do
    drop_staged(timed_out[i])
  end
end

local function note_request(token)
  redis.call('ZADD', 'sweep:drafts', int(clock()), token)
end
