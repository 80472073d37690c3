-- Owns the inputs of sweeps. It is placed before the scripts that add some. `…:inputs` has path → text; the header has
-- `observed` if an attempt was observed, `omitted` if there were too many, and `inputs`: how often they have changed.

-- Adds inputs to a sweep; the first writer of a path decides. Takes arguments: the most to keep, observed (1 or 0), how many
-- the caller omitted, and a counted list of path and text. Returns those stored whose state differs, as path, text and so
-- on.
local function add_inputs(id)
  local most, observed, rest = tonumber(take()), take() == '1', tonumber(take())
  local where, head = key(id, 'inputs'), header(id)
  local stored, differing, changed = redis.call('HLEN', where), {}, false
  for _ = 1, tonumber(take()) do
    local path, text = take(), take()
    local known = redis.call('HGET', where, path)
    if not known then
      if stored < most then
        redis.call('HSET', where, path, text)
        stored, changed = stored + 1, true
      else
        rest = rest + 1
      end
    -- The first word tells how it was found, the others are its state.
    elseif string.match(known, ' .*$') ~= string.match(text, ' .*$') then
      differing[#differing + 1] = path
      differing[#differing + 1] = known
    end
  end
  if observed and redis.call('HSETNX', head, 'observed', 1) == 1 then
    changed = true
  end
  if rest > tonumber(redis.call('HGET', head, 'omitted') or 0) then
    redis.call('HSET', head, 'omitted', int(rest))
    changed = true
  end
  if changed then
    redis.call('HINCRBY', head, 'inputs', 1)
  end
  return differing
end
