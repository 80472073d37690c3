-- Claims whose leases have run out, looked for at most once a second. Argument: the most to return. Returns for each:
-- sweep, index, lease.
local most = tonumber(ARGV[1])
local now = clock()

-- A clock that was set back must not stop the looking.
local looked = mind_the_gap(now)
if now >= looked and now - looked < 1000 then
  return {}
end
redis.call('SET', 'sweep:looked', int(now))

local found = {}
for _, id in ipairs(redis.call('SMEMBERS', 'sweep:leased')) do
  local all = redis.call('HGETALL', key(id, 'leases'))
  for i = 1, #all, 2 do
    if #found == most then
      return found
    end
    if lease_read(all[i + 1]).deadline <= now then
      found[#found + 1] = {id, all[i], all[i + 1]}
    end
  end
end
return found
