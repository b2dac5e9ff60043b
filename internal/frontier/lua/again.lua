-- again: changes what is known of pages of a block, and queues those that are due behind the URLs
-- that wait at their host. A page whose slot has changed since it was read is left alone.
-- KEYS[1]  the shard's base
-- ARGV     host, block, the slots as they were read, when the first of the other pages is due in
--          unix milliseconds, '1' to replace that time or '0' to make it earlier at most; then for
--          each page: its place, its new slot, its packed entry ('': it is not queued)
-- Returns  how many pages were queued

local host, block, read, due = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local states = redis.call('GET', STATES(block, host))
if not states then return 0 end
local entries = {}
for i = 6, #ARGV, 3 do
  local at, slot, entry = tonumber(ARGV[i]) * SLOT, ARGV[i + 1], ARGV[i + 2]
  if string.sub(states, at + 1, at + SLOT) == string.sub(read, at + 1, at + SLOT) then
    redis.call('SETRANGE', STATES(block, host), at, slot)
    if entry ~= '' then entries[#entries + 1] = entry end
  end
end
if #entries > 0 then
  for i = 1, #entries, 1000 do -- unpack has a limit
    redis.call('RPUSH', QUEUE(BAND_LOW, host), unpack(entries, i, math.min(i + 999, #entries)))
  end
  wake(host, BAND_LOW, false, 0)
  count('waiting', #entries)
  count('back', #entries)
end
-- Pages that were fetched since have made the block due by themselves, so look at them again.
if states ~= read then due = math.min(due, now_ms() + 1000) end
if ARGV[5] == '1' then
  redis.call('ZADD', RETURNS, string.format('%d', due), name_block(block, host))
else
  due_by(host, block, due)
end
return #entries
