-- Records outcomes and gives claims, in one step, once. Arguments: worker, request number (20 digits), wish, reports.
-- A wish is the most claims, lease in milliseconds, token, kind of scope, a counted list of its names, and one of the
-- sweeps to give nothing of; 0 alone is no wish. A report is sweep, submission, block, chunk, a counted list of columns (name and "index position"), and a counted list of
-- entries, each an index, "attempt token verdict… attempts failures losses flags", and its output if it has one.
--
-- The reply is nothing when a later request was applied already. Otherwise it is text, because it is kept for the case
-- that it gets lost: lines "stale POSITION INDEX…", then "claims SWEEP TOKEN SUBMISSION" followed by lines "START STOP" (first
-- attempts) and "INDEX ATTEMPTS FAILURES LOSSES".
local worker, seq = take(), take()
local desk = 'sweep:w:' .. worker
local now = clock()

local last = redis.call('HMGET', desk, 'seq', 'reply')
if last[1] == seq then
  return last[2]
end
if last[1] and last[1] > seq then
  return false
end

local wish = read_wish(worker, now)
local reply = {}
for position = 0, tonumber(take()) - 1 do
  local stale = record(read_report(), now)
  if #stale > 0 then
    reply[#reply + 1] = 'stale ' .. position .. ' ' .. table.concat(stale, ' ') .. '\n'
  end
end
if wish.most > 0 then
  reply[#reply + 1] = claim(wish)
end
reply = table.concat(reply)

-- Kept, for the case that the reply gets lost. A worker that is not known by a heartbeat yet is noted, too, so that
-- this is cleared away some day.
redis.call('HSET', desk, 'seq', seq, 'reply', reply)
if not last[1] then
  redis.call('ZADD', 'sweep:workers', 'NX', int(now), worker)
end
return reply
