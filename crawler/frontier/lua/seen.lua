-- The set of seen fingerprints: sets of 64-bit integers, small enough to stay
-- intsets (8 bytes a fingerprint) at Redis's default set-max-intset-entries of
-- 512. The buckets grow by linear hashing: with n buckets, a fingerprint lies
-- in bucket hash mod 2^k, the least power of two that is not below n, or, where
-- that bucket does not exist yet, in hash mod 2^(k-1). A bucket is split
-- whenever there are more than LOAD fingerprints for each, so that at most 2 *
-- LOAD lie in one, but for chance: 512 is ten deviations away.
--
-- In jobs in which depth decides something, digits behind the fingerprint are the
-- depth of the URL (depth.lua). The bucket does not depend on them: FROM and TO are
-- where the characters stand that hash looks at.

local LOAD = 160
local SPLITS = 16 -- at most, in one call

-- hash tells fingerprints apart by the last nine characters of their decimal
-- text. As a number a fingerprint does not fit into Lua's 53 bits, and to cut its
-- end out as text, to be made a number, takes a tenth longer for the whole of
-- admit.
local function hash(fp)
  local a, b, c, d, e, f, g, h, i = string.byte(fp, FROM, TO)
  if not i then return 0 end -- fewer than nine: one in 10^10
  return a + 10 * (b + 10 * (c + 10 * (d + 10 * (e + 10 * (f + 10 * (g + 10 * (h + 10 * i)))))))
end

-- BUCKET formats a bucket's name, which costs less than to append its number.
local BUCKET = SEEN('%d')

local function power_above(n)
  local m = 1
  while m < n do m = m * 2 end
  return m
end

local buckets = math.max(1, tonumber(redis.call('HGET', COUNT, 'buckets') or 1))
local modulus = power_above(buckets)

-- bucket_of names the bucket that a fingerprint belongs to.
local function bucket_of(fp)
  local bucket = hash(fp) % modulus
  if bucket >= buckets then bucket = bucket - modulus / 2 end
  return string.format(BUCKET, bucket)
end

-- see adds a fingerprint and tells whether it is new.
local function see(fp)
  return redis.call('SADD', bucket_of(fp), fp) == 1
end

-- unsee removes a fingerprint and returns 1, or 0 when it was not there.
local function unsee(fp) return redis.call('SREM', bucket_of(fp), fp) end

-- split moves half of a bucket to a new one behind the last.
local function split()
  local grown = power_above(buckets + 1)
  local from = SEEN(buckets - grown / 2)
  local moved = {}
  for _, fp in ipairs(redis.call('SMEMBERS', from)) do
    if hash(fp) % grown == buckets then moved[#moved + 1] = fp end
  end
  if #moved > 0 then
    redis.call('SADD', SEEN(buckets), unpack(moved))
    redis.call('SREM', from, unpack(moved))
  end
  buckets, modulus = buckets + 1, grown
end

-- grow counts new fingerprints and splits buckets as they need it.
local function grow(fresh)
  if fresh == 0 then return end
  local seen = count('seen', fresh)
  local splits = 0
  while seen > buckets * LOAD and splits < SPLITS do
    split()
    splits = splits + 1
  end
  if splits > 0 then redis.call('HSET', COUNT, 'buckets', buckets) end
end
