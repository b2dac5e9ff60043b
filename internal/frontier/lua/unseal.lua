-- unseal: replaces the sealed block at the front of a queue, or the reference to it, by entries,
-- and a block of the others. A block that cannot be read is removed, and recorded as garbage.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, band, how the block begins, by how much the host's
--          field "sealed" grows; then the elements that replace it, the last one first (none: it
--          cannot be read)
-- Returns  1; 0 if the block is not at the front

local host, epoch, lease, band, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not holds(host, epoch) then return STALE end
local key = QUEUE(band, host)
if redis.call('LINDEX', key, 0) ~= SEAL then return 0 end
local block = redis.call('LINDEX', key, 1) or ''
if not is_named(block, name) then return 0 end
extend(host, lease)
redis.call('LTRIM', key, 2, -1)
if is_spilled(block) then release_spilled(host, block) end
if #ARGV > 6 then
  redis.call('LPUSH', key, unpack(ARGV, 7))
else
  count('waiting', -waiting_in(block))
  note_garbage('a sealed block of ' .. host .. ' cannot be read: ' .. block)
end
if redis.call('HINCRBY', HOST(host), 'sealed', ARGV[6]) <= 0 then redis.call('HDEL', HOST(host), 'sealed') end
return 1
