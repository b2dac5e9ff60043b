-- discard: removes entries in flight that cannot be decoded, and records them as garbage.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, then tickets
-- Returns  how many were in flight

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
if not holds(host, epoch) then return STALE end
extend(host, lease)
local gone = 0
for i = 4, #ARGV do
  local entry = redis.call('HGET', FLIGHT(host), ARGV[i])
  if entry then
    redis.call('HDEL', FLIGHT(host), ARGV[i])
    note_garbage('an entry of ' .. host .. ' cannot be read: ' .. entry)
    gone = gone + 1
  end
end
count('flight', -gone)
return gone
