-- Code that the scripts share in a job in which depth decides what is admitted. There, a member
-- of seen is a fingerprint followed by DIGITS digits, which are the depth of the URL: the
-- shortest known distance from a seed. FARTHEST stands for that depth and all greater ones, which
-- decide nothing.

local SUFFIXES = {}
for depth = 0, tonumber(FARTHEST) do
  SUFFIXES[depth + 1] = string.format('%0' .. DIGITS .. 'd', depth)
end

-- fingerprint_of removes the depth from a member.
local function fingerprint_of(member) return string.sub(member, 1, -1 - DIGITS) end

-- part_of returns the name of the hash that holds the links of a page.
local function part_of(member) return OUTLINKS(hash(member) % 256) end

-- nearer_in returns the element of NEARER for a page of a group.
local function nearer_in(group, fp) return group .. ' ' .. fp end

-- depth_in returns the depth of a URL in its bucket; nil if it was never seen.
local function depth_in(bucket, fp)
  local members = {}
  for i, suffix in ipairs(SUFFIXES) do members[i] = fp .. suffix end
  for i, found in ipairs(redis.call('SMISMEMBER', bucket, unpack(members))) do
    if found == 1 then return i - 1 end
  end
end

-- lower gives a URL a smaller depth. If the links of its page are stored, they must be admitted
-- again. If they are not, the visit that stores them will find the smaller depth. A full Redis
-- refuses a command that may need memory only if it is the script's first write. Because SREM
-- comes first, the URL is never left without a depth.
local function lower(group, bucket, fp, was, member)
  redis.call('SREM', bucket, fp .. SUFFIXES[was + 1])
  redis.call('SADD', bucket, member)
  count('lowered', 1)
  if redis.call('HEXISTS', part_of(member), fp) == 1 then
    count('nearer', redis.call('ZADD', NEARER, now_ms(), nearer_in(group, fp)))
  end
end

-- see adds a URL with its depth and returns whether it is new. A URL seen before gets the smaller
-- depth.
local function see(group, member)
  local bucket, fp = bucket_of(group, member), fingerprint_of(member)
  local was = depth_in(bucket, fp)
  if not was then
    redis.call('SADD', bucket, member)
    fit_one(group, member, bucket)
  elseif tonumber(string.sub(member, -DIGITS)) < was then
    lower(group, bucket, fp, was, member)
  end
  return not was
end

-- see_all adds URLs to a group: every other argument from ARGV[first] to ARGV[last]. Returns a table
-- of those that are new.
local function see_all(group, first, last)
  local fresh = {}
  for i = first, last, 2 do fresh[ARGV[i]] = see(group, ARGV[i]) or fresh[ARGV[i]] end
  return fresh
end

-- unsee removes a URL and its links, and returns 1, or 0 if it was not there.
local function unsee(group, member)
  local fp = fingerprint_of(member)
  redis.call('HDEL', part_of(member), fp)
  count('nearer', -redis.call('ZREM', NEARER, nearer_in(group, fp)))
  return redis.call('SREM', bucket_of(group, member), member)
end
