-- The workers that gave a sign of life lately, newest first. Argument: how lately, milliseconds.
local since = clock() - tonumber(ARGV[1])
local alive = redis.call('ZREVRANGEBYSCORE', 'sweep:workers', '+inf', int(since), 'WITHSCORES')
local rows = {}
for i = 1, #alive, 2 do
  local row = redis.call('HMGET', 'sweep:w:' .. alive[i], 'host', 'pid', 'queues', 'slots', 'busy', 'unable')
  if row[1] then
    rows[#rows + 1] = {alive[i], alive[i + 1], unpack(row)}
  end
end
return rows
