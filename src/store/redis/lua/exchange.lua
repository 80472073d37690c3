-- Records outcomes and gives claims, in one step, once. Arguments: worker, request number (20 digits), claim request,
-- reports.
--
-- A claim request is the most claims, lease in milliseconds, token, kind of scope, a counted list of the names of the
-- scope, and a counted list of the sweeps to give no claims of; 0 alone is none. A report is sweep, submission, block, chunk, a
-- counted list of columns (name and "index position"), and a counted list of entries, each an index, "attempt token
-- verdict attempts failures losses flags" (the verdict with its delay), and its output if it has one.
--
-- Returns nothing if a later request was applied before. Otherwise the reply is text, because it is stored in case it gets
-- lost on its way: lines "stale POSITION INDEX…", then "claims SWEEP TOKEN SUBMISSION" followed by lines "START STOP" (first attempts) and
-- "INDEX ATTEMPTS FAILURES LOSSES".
local worker, seq = take(), take()
local record_key = 'sweep:worker:' .. worker
local now = clock()

local last = redis.call('HMGET', record_key, 'seq', 'reply')
if last[1] == seq then
  return last[2]
end
if last[1] and last[1] > seq then
  return false
end

local request = read_claim_request(worker, now)
local reply = {}
for position = 0, tonumber(take()) - 1 do
  local stale = record(read_report(), now)
  if #stale > 0 then
    reply[#reply + 1] = 'stale ' .. position .. ' ' .. table.concat(stale, ' ') .. '\n'
  end
end
if request.most > 0 then
  reply[#reply + 1] = claim(request)
end
reply = table.concat(reply)

-- A worker that has sent no heartbeat yet is listed too, so that its record is removed one day.
redis.call('HSET', record_key, 'seq', seq, 'reply', reply)
if not last[1] then
  redis.call('ZADD', 'sweep:heartbeats', 'NX', int(now), worker)
end
return reply
