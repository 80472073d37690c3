-- Runs commands that read, as one step. Arguments: for each command the number of its words, then the words. Returns their
-- replies. A transaction would do the same, but when its memory is full the server refuses every command in one.
local replies, at = {}, 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  replies[#replies + 1] = redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return replies
