-- link: notes links from other hosts to pages of a continuous job. A register keeps the largest
-- value that was noted in it, so a link may be noted any number of times.
-- KEYS[1]  the registers of the job, half a byte each
-- ARGV[1]  how many registers there should be, at least
-- ARGV     then for each link: a hash of its page, a value from 1 to 15
-- Returns  how many registers there are

local LEAST = 1024
local key, bytes = KEYS[1], redis.call('STRLEN', KEYS[1])
if bytes == 0 and #ARGV > 1 then
  bytes = LEAST / 2
  redis.call('SETRANGE', key, bytes - 1, '\0')
end
-- Doubling: the register of a page stays where it is or moves to the new half, at the same
-- distance. So the new half begins as a copy of the old one.
while bytes > 0 and bytes * 2 < tonumber(ARGV[1]) do
  redis.call('APPEND', key, redis.call('GET', key))
  bytes = bytes * 2
end
for i = 2, #ARGV, 2 do
  local at, value = tonumber(ARGV[i]) % (bytes * 2), tonumber(ARGV[i + 1])
  local byte = math.floor(at / 2)
  local both = string.byte(redis.call('GETRANGE', key, byte, byte)) or 0
  local low, high = both % 16, math.floor(both / 16)
  if at % 2 == 0 then low = math.max(low, value) else high = math.max(high, value) end
  if high * 16 + low ~= both then redis.call('SETRANGE', key, byte, string.char(high * 16 + low)) end
end
return bytes * 2
