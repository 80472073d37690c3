-- Owns sweeps in the making; it stands before the scripts that begin, fill, put in or clear them. `sweep:drafts` has
-- their tokens by the time when they were last heard of, `sweep:d:TOKEN` what is known of each: id, parts, reused, ready.

local function draft_of(token)
  return 'sweep:d:' .. token
end

-- Forgets one; what it was filled with goes to `sweep:trash`, for purge.lua.
local function draft_drop(token)
  local id = redis.call('HGET', draft_of(token), 'id')
  if id then
    redis.call('SADD', 'sweep:trash', id)
  end
  redis.call('UNLINK', draft_of(token))
  redis.call('ZREM', 'sweep:drafts', token)
end

-- Gives up those of which nothing was heard for this many milliseconds.
local function drafts_give_up(silent)
  local stale = redis.call('ZRANGEBYSCORE', 'sweep:drafts', '-inf', int(clock() - silent))
  for i = 1, #stale do
    draft_drop(stale[i])
  end
end

local function draft_heard(token)
  redis.call('ZADD', 'sweep:drafts', int(clock()), token)
end
