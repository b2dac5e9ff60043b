-- sketch: remembers the sketches of pages of a host.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, bytes of a sketch, how many sketches the visit
--          knows, and for each page: its sketch, its host and packed entry
-- Returns  the time in milliseconds at which they were remembered; -1 if the host has another
--          number of sketches

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
local size, known = tonumber(ARGV[4]), tonumber(ARGV[5])
if not holds(host, epoch) then return STALE end
extend(host, lease)
if count_sketches(host, size) ~= known then return -1 end
local now = now_ms()
for i = 6, #ARGV, 2 do
  redis.call('APPEND', SKETCHES(host), ARGV[i])
  redis.call('RPUSH', SKETCHED(host), now .. ' ' .. ARGV[i + 1])
end
return now
