-- The sweeps that have leases that have run out, each with their number. Returns, for each, sweep and number.
local now = clock()
local found = {}
for _, id in ipairs(redis.call('SMEMBERS', 'sweep:leased')) do
  local expired = 0
  for _, lease in ipairs(redis.call('HVALS', key(id, 'leases'))) do
    if lease_read(lease).deadline <= now then
      expired = expired + 1
    end
  end
  if expired > 0 then
    found[#found + 1] = {id, expired}
  end
end
return found
