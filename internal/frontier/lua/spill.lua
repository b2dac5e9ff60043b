-- spill: replaces sealed blocks of queues by references to an object that has copies of them. A
-- block stays if it is not where it was when the queue was read, give or take a few that visits
-- have taken since. A call that is repeated, because its answer was lost, changes nothing.
-- KEYS[1]  the shard's base
-- ARGV     the object, the time until which it may be referred to, where it is; then for each queue:
--          host, band, number of its blocks, and for each of these, in the order of the queue: its
--          number among all blocks of the queue, from 1; its reference
-- Returns  how many blocks the object stands for, and how many URLs these have

local object, deadline, place = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local before = redis.call('HGET', SPILLS, object)
if before then return { math.max(0, tonumber(string.match(before, '^%-?%d+'))), 0 } end
if now_ms() > deadline then return { 0, 0 } end
redis.call('HDEL', SPILLS, object) -- changes nothing; a full Redis refuses LSET only as the first write

-- find_block returns the index of a block in its queue; nil if it is not found. gone is how many
-- blocks in front of it were taken since the queue was read.
local MOST_GONE = 8
local gone
local function find_block(key, seals, number, name)
  for back = gone, gone + MOST_GONE do
    local seal = seals[number - back]
    if seal and is_named(redis.call('LINDEX', key, seal + 1), name) then
      gone = back
      return seal + 1
    end
  end
end

local blocks, total, at = 0, 0, 4
while at <= #ARGV do
  local host, band, behind = ARGV[at], ARGV[at + 1], at + 3 + 2 * tonumber(ARGV[at + 2])
  local key, urls = QUEUE(band, host), 0
  local seals = redis.call('LPOS', key, SEAL, 'COUNT', 0) or {}
  gone = 0
  for i = at + 3, behind - 2, 2 do
    local reference = ARGV[i + 1]
    local index = find_block(key, seals, tonumber(ARGV[i]), spilled_name(reference))
    if index then
      redis.call('LSET', key, index, reference)
      blocks, urls = blocks + 1, urls + waiting_in(reference)
    end
  end
  if urls > 0 then add_spilled(host, urls) end
  total, at = total + urls, behind
end
if blocks > 0 then redis.call('HSET', SPILLS, object, string.format('%d', blocks) .. ' ' .. place) end
return { blocks, total }
