-- Ends the leases of a dead worker in a part of one sweep, and stops listing the worker. Arguments: worker, how recent a
-- heartbeat must be for a worker to be listed (milliseconds), sweep, cursor (0 at first). Returns the next cursor (0 at
-- the end) and how many leases were ended.
local worker, listed, id, cursor = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local now, ended = clock(), {}

redis.call('ZADD', 'sweep:heartbeats', 'XX', 'LT', int(now - listed - 1), worker)
local reply = redis.call('HSCAN', key(id, 'leases'), cursor, 'COUNT', 500)
for i = 1, #reply[2], 2 do
  local lease = lease_read(reply[2][i + 1])
  if lease.worker == worker then
    -- No absence prolongs a lease without a length.
    lease.deadline, lease.length = now, 0
    ended[#ended + 1], ended[#ended + 2] = reply[2][i], lease_text(lease)
  end
end
if #ended > 0 then
  call_in_parts('HSET', key(id, 'leases'), ended)
  note_deadline(id, now)
end
return {reply[1], #ended / 2}
