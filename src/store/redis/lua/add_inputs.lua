-- Adds inputs to a sweep. Arguments: sweep, submission, and those of `add_inputs`. Returns the stored ones that differ. Does
-- nothing if there is no such sweep or it has another submission.
local id, submission = take(), take()

if redis.call('HGET', header(id), 'submitted') ~= submission then
  return {}
end
return add_inputs(id)
