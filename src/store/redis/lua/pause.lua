-- Pauses a sweep, or resumes it and notes how many points have failed until then. Arguments: sweep; to pause it, the
-- reason; if a worker pauses it, how many points had failed at the last resume that the worker knows of. Returns 1 if the
-- sweep is now paused for that reason, or resumed.
local id, reason, forgiven = unpack(ARGV)

if redis.call('EXISTS', header(id)) == 0 then
  return no_sweep(id)
end
local head = redis.call('HMGET', header(id), 'paused', 'forgiven', 'failed', 'queue', 'serial', 'pending', 'running')
local was_paused, queue = head[1], head[4]

local function change_sets(paused)
  local pending, running = tonumber(head[6]), tonumber(head[7])
  change_queue_set(id, queue, head[5], queue_set(pending, running, was_paused), queue_set(pending, running, paused))
end

if not reason then
  redis.call('HDEL', header(id), 'paused')
  redis.call('HSET', header(id), 'forgiven', head[3])
  change_sets(false)
  signal_work(queue, id)
elseif not forgiven or not was_paused and head[2] == forgiven then
  redis.call('HSET', header(id), 'paused', reason)
  change_sets(reason)
elseif was_paused ~= reason then
  return 0
end
return 1
