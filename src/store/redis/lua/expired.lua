-- Claims whose leases have run out, looked for at most once a second. Argument: the most to return. Returns for each:
-- sweep, index, lease, submission; nil if another has looked within the last second.
local most = tonumber(ARGV[1])
local now = clock()
local looked = tonumber(redis.call('GET', 'sweep:looked') or 0)
local silence = now - looked

if silence >= 0 and silence < 1000 then
  return false
end
redis.call('SET', 'sweep:looked', int(now))
local sweeps = redis.call('SMEMBERS', 'sweep:leased')

-- When nobody has looked for some seconds, the store was away or every machine slept: that counts against nobody, and
-- every lease goes on where it stood, but for no more than its whole length (a part of them was given or renewed since).
-- The same when the clock was set back. Looks are a second apart, so that second is no silence.
if silence < 0 or silence > 5000 then
  for i = 1, #sweeps do
    leases_change(sweeps[i], function(lease)
      lease.deadline = math.min(lease.deadline + math.max(silence - 1000, 0), now + lease.length)
    end)
  end
end

local found = {}
for _, id in ipairs(sweeps) do
  local all = redis.call('HGETALL', key(id, 'leases'))
  for i = 1, #all, 2 do
    if #found == most then
      return found
    end
    if lease_read(all[i + 1]).deadline <= now then
      found[#found + 1] = {id, all[i], all[i + 1], redis.call('HGET', header(id), 'submitted')}
    end
  end
end
return found
