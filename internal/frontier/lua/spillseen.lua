-- spillseen: empties sets of buckets of seen whose fingerprints an object has, with those that were
-- spilled before, and sets the filters of the buckets. A bucket stays as it is if it was spilled or
-- restored since it was read, or if a fingerprint has left its set. Fingerprints that were added since
-- stay in the set. If the bucket was split, and none left its set, the block has some of the other
-- half, which do no harm. A call that is repeated, because its answer was lost, changes nothing.
-- KEYS[1]  the shard's base
-- ARGV     the object, the time until which it may be referred to, where it is; then for each bucket:
--          its group, number of the bucket, the reference of its filter ('' if it had none), its new
--          filter, how many fingerprints were in the set, these
-- Returns  how many buckets were spilled, and how many fingerprints left their sets

local object, deadline, place = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local LARGE = 2048 -- fingerprints in the block of a bucket that should be split
if now_ms() > deadline then return { 0, 0 } end
redis.call('HDEL', SPILLS, '') -- changes nothing; a full Redis refuses HSET only as the first write

-- in_parts calls a command with the fingerprints from ARGV[first] to ARGV[last], some at a time. It
-- returns false as soon as all returns false for an answer.
local function in_parts(command, key, first, last, all)
  for from = first, last, PART do
    if not all(redis.call(command, key, unpack(ARGV, from, math.min(last, from + PART - 1)))) then return false end
  end
  return true
end

local function are_all(found)
  for _, one in ipairs(found) do
    if one == 0 then return false end
  end
  return true
end

local replaced, total, large, at = 0, 0, {}, 4
while at <= #ARGV do
  local group, bucket, before, filter = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local first, last = at + 5, at + 4 + tonumber(ARGV[at + 4])
  if not buckets[group] then read_groups({ group }) end
  local key, was = name_bucket(group, tonumber(bucket)), redis.call('HGET', FILTERS(group), bucket)
  if reference_in(was or '') == before and in_parts('SMISMEMBER', key, first, last, are_all) then
    in_parts('SREM', key, first, last, function() return true end)
    redis.call('HSET', FILTERS(group), bucket, filter)
    if was then refer(object_of(before), -1) end
    if not filtered[group] then
      filtered[group] = true
      write_group(group)
    end
    if waiting_in(reference_in(filter)) > LARGE then large[#large + 1] = group end
    replaced, total = replaced + 1, total + last - first + 1
  end
  at = last + 1
end
if replaced > 0 then refer(object, replaced, place) end
for _, group in ipairs(large) do split(group) end
return { replaced, total }
