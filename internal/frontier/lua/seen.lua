-- The set of seen fingerprints. The fingerprints of a host are all in one of 16,384 groups. Most
-- links of a page lead to its own host, so looking them up touches little memory and takes few
-- commands. A group is a set of 64-bit integers that is small enough to stay an intset (8 bytes a
-- fingerprint) with Redis's default set-max-intset-entries of 512. A group that outgrows that is
-- divided into buckets, by linear hashing: with n buckets, a fingerprint is in bucket hash mod 2^k,
-- where 2^k is the least power of two not below n, or, if that bucket does not exist yet, in hash
-- mod 2^(k-1). Whenever a bucket has more than FULL fingerprints, buckets are split in their order
-- until that one has been split.
--
-- In jobs in which depth decides something, the digits after the fingerprint are the depth of the
-- URL (depth.lua). The bucket does not depend on them: TO is the position of the fingerprint's last
-- character, FROM that of the first character that hash uses.
--
-- A bucket may be spilled (spillseen.go): its fingerprints are then in a block of an object outside
-- of Redis, and FILTERS has a filter for it: the length of a reference to the block (one byte), the
-- reference, and two bytes of each fingerprint. The set of the bucket has those that were added
-- later. A fingerprint that is in neither was never seen. One that is in the filter alone may be in
-- the block. Then the script leaves it alone and returns it as undecided, the process reads the
-- block, and calls the script again with what it has found.

local FULL = 384
local PART = 100 -- fingerprints that are added before it is checked whether the bucket is full
local SPLITS = 16 -- at most, in one call

-- hash combines the last nine characters of a fingerprint's decimal text, which has at least ten. A
-- fingerprint as a number does not fit into the 53 bits of Lua's numbers.
local function hash(fp)
  local a, b, c, d, e, f, g, h, i = string.byte(fp, FROM, TO)
  return a + 10 * (b + 10 * (c + 10 * (d + 10 * (e + 10 * (f + 10 * (g + 10 * (h + 10 * i)))))))
end

-- low_hash returns a number with the same lowest four bits as hash, in less time: only the first k
-- characters affect the remainder modulo 2^k.
local function low_hash(fp)
  local a, b, c, d = string.byte(fp, FROM, FROM + 3)
  return a + 10 * (b + 10 * (c + 10 * d))
end

-- buckets has the number of buckets of the groups that the call has read, and filtered those of
-- them that have filters.
local buckets, filtered = {}, {}

-- read_groups reads the numbers of buckets of groups, with one command. If a group has filters, its
-- number is negative.
local function read_groups(groups)
  local got = redis.call('HMGET', GROUPS, 'folds', unpack(groups))
  folds = math.max(1, tonumber(got[1] or 1))
  for i, group in ipairs(groups) do
    local n = tonumber(got[i + 1] or 1)
    buckets[group], filtered[group] = math.max(1, math.abs(n)), n < 0
  end
end

-- write_group stores the number of buckets of a group.
local function write_group(group)
  redis.call('HSET', GROUPS, group, filtered[group] and -buckets[group] or buckets[group])
end

-- name_bucket returns the key of a bucket of a group.
local function name_bucket(group, bucket)
  return SEEN(bucket == 0 and group or group .. ':' .. bucket)
end

-- bucket_in returns which of n buckets a fingerprint belongs to. modulus is power_above(n).
local function bucket_in(n, modulus, fp)
  if n == 1 then return 0 end
  local bucket = (modulus <= 16 and low_hash(fp) or hash(fp)) % modulus
  if bucket >= n then bucket = bucket - modulus / 2 end
  return bucket
end

-- bucket_of returns the key of the bucket of a group that a fingerprint belongs to, and its number.
local function bucket_of(group, fp)
  if not buckets[group] then read_groups({ group }) end
  local bucket = bucket_in(buckets[group], power_above(buckets[group]), fp)
  return name_bucket(group, bucket), bucket
end

-- reference_in returns the reference of a filter.
local function reference_in(filter) return string.sub(filter, 2, 1 + (string.byte(filter) or 0)) end

-- pair_of returns the two bytes of a fingerprint in filters: of the five characters in front of those
-- that hash uses.
local function pair_of(fp)
  local n = to_number(string.sub(fp, FROM - 5, FROM - 1)) or 0 -- it may be only a sign
  local low = n % 256
  return string.char((n - low) / 256 % 256, low)
end

-- may_have returns whether the block of a filter may have a fingerprint.
local function may_have(filter, fp)
  local pair, behind = pair_of(fp), 1 + (string.byte(filter) or 0)
  local at = behind
  repeat
    at = string.find(filter, pair, at + 1, true)
  until not at or (at - behind) % 2 == 1
  return at
end

-- findings has what the process has found in blocks. For a fingerprint: a reference, and '1' if its
-- block has it, '0' if not. They are the last arguments, followed by how many there are.
local findings = {}
for _ = 1, tonumber(table.remove(ARGV)) do
  local found, reference, fp = table.remove(ARGV), table.remove(ARGV), table.remove(ARGV)
  findings[fp] = { reference, found }
end

-- undecided has the fingerprints that may be in a block, each followed by the reference to it.
local undecided = {}

-- filter_of returns the filter of a bucket of a group; false if it is not spilled.
local function filter_of(group, bucket)
  return filtered[group] and redis.call('HGET', FILTERS(group), bucket)
end

-- filters_of returns the filters of those buckets of a group that are the indexes of a table.
local function filters_of(group, parts)
  local filters, numbers = {}, {}
  if not filtered[group] then return filters end
  for bucket in pairs(parts) do numbers[#numbers + 1] = bucket end
  for i, filter in ipairs(redis.call('HMGET', FILTERS(group), unpack(numbers))) do filters[numbers[i]] = filter end
  return filters
end

-- is_unseen returns whether a fingerprint that is not in the set of its bucket was never seen, given
-- the filter of the bucket. It notes one that is undecided.
local function is_unseen(fp, filter)
  if not (filter and may_have(filter, fp)) then return true end
  local reference, finding = reference_in(filter), findings[fp]
  if finding and finding[1] == reference then return finding[2] == '0' end
  undecided[#undecided + 1], undecided[#undecided + 2] = fp, reference
  return false
end

-- copy_filter gives a new bucket the filter of the one from which it was split. Their block then has
-- fingerprints of both, which do no harm: each is looked for in its own bucket.
local function copy_filter(group, from, to)
  local filter = filter_of(group, from)
  if not filter then return end
  redis.call('HSET', FILTERS(group), to, filter)
  refer(object_of(reference_in(filter)), 1)
end

-- split moves half of a bucket of a group to a new one after the last.
local splits = 0
local function split(group)
  local last = buckets[group]
  local grown = power_above(last + 1)
  local from, moved = name_bucket(group, last - grown / 2), {}
  for _, fp in ipairs(redis.call('SMEMBERS', from)) do
    if hash(fp) % grown == last then moved[#moved + 1] = fp end
  end
  if #moved > 0 then
    redis.call('SADD', name_bucket(group, last), unpack(moved))
    redis.call('SREM', from, unpack(moved))
  end
  copy_filter(group, last - grown / 2, last)
  buckets[group], splits = last + 1, splits + 1
  write_group(group)
end

-- fit splits buckets of a group until this one is no longer too full.
local function fit(group, bucket)
  while splits < SPLITS and redis.call('SCARD', bucket) > FULL do split(group) end
end

-- fit_one is fit after a single fingerprint was added. It checks only one fingerprint in seventeen.
local function fit_one(group, fp, bucket)
  if hash(fp) % 17 == 0 then fit(group, bucket) end
end

-- see adds a fingerprint to a group and returns whether it is new. An undecided one is not added.
local function see(group, fp)
  local key, bucket = bucket_of(group, fp)
  if filtered[group] and redis.call('SISMEMBER', key, fp) == 0 and
    not is_unseen(fp, filter_of(group, bucket)) then return false end
  local fresh = redis.call('SADD', key, fp) == 1
  if fresh then fit_one(group, fp, key) end
  return fresh
end

-- see_part adds at most PART fingerprints to their bucket, whose filter is given. It enters the new
-- ones in fresh, and returns whether there were any.
local function see_part(bucket, fps, fresh, filter)
  local new = {}
  for i, found in ipairs(redis.call('SMISMEMBER', bucket, unpack(fps))) do
    if found == 0 and is_unseen(fps[i], filter) then new[#new + 1] = fps[i] end
  end
  for _, fp in ipairs(new) do fresh[fp] = true end
  return #new > 0 and redis.call('SADD', bucket, unpack(new)) > 0
end

-- parts_of divides fingerprints of a group by bucket, at most PART in each part: every other
-- argument from ARGV[first] to ARGV[last].
local function parts_of(group, first, last)
  local n, modulus, parts = buckets[group], power_above(buckets[group]), {}
  for i = first, math.min(last, first + 2 * PART - 2), 2 do
    local bucket = bucket_in(n, modulus, ARGV[i])
    local part = parts[bucket]
    if part then part[#part + 1] = ARGV[i] else parts[bucket] = { ARGV[i] } end
  end
  return parts
end

-- see_all adds fingerprints to a group: every other argument from ARGV[first] to ARGV[last]. Returns
-- a table of those that are new. Undecided ones are not added.
local function see_all(group, first, last)
  local fresh = {}
  if first == last then
    fresh[ARGV[first]] = see(group, ARGV[first]) or nil
    return fresh
  end
  if not buckets[group] then read_groups({ group }) end
  for from = first, last, 2 * PART do
    local grown, parts = {}, parts_of(group, from, last)
    local filters = filters_of(group, parts)
    for bucket, part in pairs(parts) do
      local key = name_bucket(group, bucket)
      if see_part(key, part, fresh, filters[bucket]) then grown[#grown + 1] = key end
    end
    for _, key in ipairs(grown) do fit(group, key) end -- only now, because fit moves other fingerprints
  end
  return fresh
end

-- unsee removes a fingerprint from a group and returns 1, or 0 if it was not there or is undecided.
local function unsee(group, fp)
  local key, bucket = bucket_of(group, fp)
  if redis.call('SREM', key, fp) == 1 then return 1 end
  is_unseen(fp, filter_of(group, bucket))
  return 0
end
