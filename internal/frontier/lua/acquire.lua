-- acquire: a visit that was just opened takes the hold of its host, if no other job has held it
-- lately.
-- KEYS[1]  the host's hold: "JOB RUN SHARD EPOCH", then what hold.go adds if several jobs share
--          the host
-- ARGV     "JOB RUN SHARD" of the visit, its epoch, milliseconds after which the hold is
--          forgotten
-- Returns  '', 0 if the visit now holds the host; otherwise the hold, and Redis's time in
--          milliseconds

local value = redis.call('GET', KEYS[1])
if value then
  local holder, epoch = string.match(value, '^(%S+ %S+ %S+) (%d+)$')
  if holder ~= ARGV[1] then
    local t = redis.call('TIME')
    return { value, t[1] * 1000 + math.floor(t[2] / 1000) }
  end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return { '', 0 }
