-- seal: replaces a part of a queue by the same entries in sealed blocks, if the part has not
-- changed. Only this verb changes a queue elsewhere than at its ends. So a part is unchanged if its
-- first and last elements are, and are as far apart as before.
-- KEYS[1]  the shard's base
-- ARGV     host, band; the first element of the part and, if that is SEAL, how the block behind it
--          begins; how many elements the part has; the last one; by how much the host's field
--          "sealed" grows; then the elements that replace the part
-- Returns  1; 0 if the part has changed

local host, band, first, name, size, last = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local key = QUEUE(band, host)
local MOST_BEHIND = 1000 -- elements that others may have added since
local at = redis.call('LPOS', key, first, 'RANK', -1, 'MAXLEN', size + MOST_BEHIND)
if not at or redis.call('LINDEX', key, at + size - 1) ~= last then return 0 end
if first == SEAL and not is_named(redis.call('LINDEX', key, at + 1), name) then return 0 end
local behind = redis.call('LRANGE', key, at + size, -1)
-- A full Redis refuses a command that may need memory only if it is the script's first write.
if at == 0 then redis.call('DEL', key) else redis.call('LTRIM', key, 0, at - 1) end
redis.call('RPUSH', key, unpack(ARGV, 8))
if #behind > 0 then redis.call('RPUSH', key, unpack(behind)) end
redis.call('HINCRBY', HOST(host), 'sealed', ARGV[7])
return 1
