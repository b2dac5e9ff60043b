-- reclaim: puts the URLs of a segment whose worker was not heard of in time back to the front of
-- their hosts' queues, and takes back what settling them counted. If the segment's URLs were only
-- counted, they are counted as lost.
-- KEYS[1]  the shard's base
-- ARGV[1]  the most URLs
-- ARGV[2]  milliseconds for which an empty segment is kept to be dropped; 0 to drop it at once
-- Returns  nothing if no segment is late; otherwise the segment, how many URLs went back, how
--          many are left in it, a number for this reclaiming of the segment, and how many pages
--          it has given back so far

local most, hold, now = tonumber(ARGV[1]), tonumber(ARGV[2]), now_ms()
local segment = redis.call('ZRANGEBYSCORE', SEGMENTS, '-inf', now, 'LIMIT', 0, 1)[1]
if not segment then return {} end
local n = redis.call('LLEN', SEGMENT(segment))
local earlier = redis.call('HGET', RECLAIMED, segment)
if n == 0 and not earlier then
  redis.call('ZREM', SEGMENTS, segment) -- the count in UNSHIPPED stays, because the disk may come back
  local counted = tonumber(redis.call('HGET', UNSHIPPED, segment) or 0)
  count('ondisk', -counted)
  count('lost', counted)
  return { segment, 0, 0, 0, 0 }
end

local outcomes, pages, bytes, over, incomplete, emitted = {}, {}, 0, 0, 0, 0
local fetched = 0
local items = redis.call('LRANGE', SEGMENT(segment), -most, -1)
local back = 0
for i = #items, 1, -1 do -- last first, which keeps the order within each queue
  local outcome, size, flags, band, host, entry = unpack_settled(items[i])
  if outcome then
    redis.call('LPUSH', QUEUE(band, host), entry)
    back = back + 1
    local block, at, slot = place_of(entry)
    if block and is_fetched(slot) then count('again', -1) end
    if block and redis.call('STRLEN', STATES(block, host)) >= (at + 1) * SLOT then
      redis.call('SETRANGE', STATES(block, host), at * SLOT, queued_slot(slot)) -- as before the fetch
      count('back', 1)
    end
    outcomes[outcome] = (outcomes[outcome] or 0) + 1
    pages[host] = (pages[host] or 0) + (outcome == 'fetched' and 1 or 0)
    bytes = bytes + size
    if string.find(flags, 'o', 1, true) then over = over + 1 end
    if string.find(flags, 'i', 1, true) then incomplete = incomplete + 1 end
    emitted = emitted + tonumber(string.match(flags, 'n(%d+)') or 0)
  else
    note_garbage(SEGMENT(segment) .. ' had an item that cannot be read, and is left out')
  end
end
redis.call('LTRIM', SEGMENT(segment), 0, -#items - 1)
local failed = (outcomes.failed or 0) + (outcomes.gone or 0) + (outcomes.blocked or 0) + (outcomes.payment_required or 0)
if failed > 0 then forget_failed(segment) end
for outcome, by in pairs(outcomes) do count('outcome:' .. outcome, -by) end
for host, by in pairs(pages) do
  unfold(host, 'seen')
  if by > 0 then redis.call('HINCRBY', HOST(host), 'pages', -by) end
  fetched = fetched + by
  wake(host, nil, is_urgent(host), 0)
end
count('bytes', -bytes)
count('over', -over)
count('incomplete', -incomplete)
count('items', -emitted)
count('waiting', back)
count('unshipped', -#items)
count('reclaimed', back)
if redis.call('HINCRBY', UNSHIPPED, segment, -#items) <= 0 then redis.call('HDEL', UNSHIPPED, segment) end

local left = n - #items
if hold == 0 then
  if left == 0 then redis.call('ZREM', SEGMENTS, segment) end
  return { segment, back, left, 0, 0 }
end
local number, total = 0, 0
if earlier then
  number, total = string.match(earlier, '^(%d+) (%d+)$')
else
  number = count('reclaimings', 1)
end
total = total + fetched
redis.call('HSET', RECLAIMED, segment, number .. ' ' .. total)
if left == 0 then redis.call('ZADD', SEGMENTS, now + hold, segment) end
return { segment, back, left, tonumber(number), total }
