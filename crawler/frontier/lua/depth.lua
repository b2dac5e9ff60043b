-- What the scripts of a job share in which depth decides what is admitted. A member of seen ends there in DIGITS
-- digits that are the depth of the URL: the shortest distance from a seed that was found so far. FARTHEST stands for
-- that depth and for all beyond, which decide nothing. What is before the digits is the fingerprint.

local other_keys_of_hosts = keys_of_hosts
keys_of_hosts = function() -- the shard can do without these as well
  local all = other_keys_of_hosts()
  all[#all + 1], all[#all + 2] = OUTLINKS(''), NEARER
  return all
end

local SUFFIXES = {}
for depth = 0, tonumber(FARTHEST) do
  SUFFIXES[depth + 1] = string.format('%0' .. DIGITS .. 'd', depth)
end

-- fingerprint_of takes the depth off a member.
local function fingerprint_of(member) return string.sub(member, 1, -1 - DIGITS) end

-- part_of names the hash that has the links of a page.
local function part_of(member) return OUTLINKS(hash(member) % 256) end

-- depth_in returns the depth of a URL in its bucket; nil when it was never seen.
local function depth_in(bucket, fp)
  local members = {}
  for i, suffix in ipairs(SUFFIXES) do members[i] = fp .. suffix end
  for i, found in ipairs(redis.call('SMISMEMBER', bucket, unpack(members))) do
    if found == 1 then return i - 1 end
  end
end

-- lower gives a URL a smaller depth. If its page was gone through, its links are to be admitted again: otherwise who
-- goes through it finds the smaller depth. A Redis that is full refuses what may need memory as a script's first
-- write: by removing before it adds, the URL is never without a depth.
local function lower(bucket, fp, was, member)
  redis.call('SREM', bucket, fp .. SUFFIXES[was + 1])
  redis.call('SADD', bucket, member)
  count('lowered', 1)
  if redis.call('HEXISTS', part_of(member), fp) == 1 then
    count('nearer', redis.call('ZADD', NEARER, now_ms(), fp))
  end
end

-- see adds a URL with its depth and tells whether it is new. One that was seen gets the smaller depth.
local function see(member)
  local bucket, fp = bucket_of(member), fingerprint_of(member)
  local was = depth_in(bucket, fp)
  if not was then return redis.call('SADD', bucket, member) == 1 end
  if tonumber(string.sub(member, -DIGITS)) < was then lower(bucket, fp, was, member) end
  return false
end

-- unsee removes a URL, with its links, and returns 1, or 0 when it was not there.
local function unsee(member)
  local fp = fingerprint_of(member)
  redis.call('HDEL', part_of(member), fp)
  count('nearer', -redis.call('ZREM', NEARER, fp))
  return redis.call('SREM', bucket_of(member), member)
end
