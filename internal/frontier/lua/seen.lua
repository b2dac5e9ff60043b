-- The set of seen fingerprints. It consists of sets of 64-bit integers that are small enough to
-- stay intsets (8 bytes a fingerprint) with Redis's default set-max-intset-entries of 512. The
-- buckets grow by linear hashing: with n buckets, a fingerprint is in bucket hash mod 2^k, where
-- 2^k is the least power of two not below n, or, if that bucket does not exist yet, in hash mod
-- 2^(k-1). A bucket is split whenever there are more than LOAD fingerprints for each bucket. So a
-- bucket holds about 2 * LOAD at most; 512 is ten standard deviations away.
--
-- In jobs in which depth decides something, the digits after the fingerprint are the depth of the
-- URL (depth.lua). The bucket does not depend on them: FROM and TO are the positions of the
-- characters that hash uses.

local LOAD = 160
local SPLITS = 16 -- at most, in one call

-- hash combines the last nine characters of a fingerprint's decimal text. As a number a
-- fingerprint does not fit into the 53 bits of Lua's numbers. Cutting off its end as text and
-- converting that would make admit a tenth slower.
local function hash(fp)
  local a, b, c, d, e, f, g, h, i = string.byte(fp, FROM, TO)
  if not i then return 0 end -- fewer than nine characters: one in 10^10
  return a + 10 * (b + 10 * (c + 10 * (d + 10 * (e + 10 * (f + 10 * (g + 10 * (h + 10 * i)))))))
end

-- BUCKET formats a bucket's name, which costs less than concatenation.
local BUCKET = SEEN('%d')

local function power_above(n)
  local m = 1
  while m < n do m = m * 2 end
  return m
end

local buckets = math.max(1, tonumber(redis.call('HGET', COUNT, 'buckets') or 1))
local modulus = power_above(buckets)

-- bucket_of returns the name of the bucket that a fingerprint belongs to.
local function bucket_of(fp)
  local bucket = hash(fp) % modulus
  if bucket >= buckets then bucket = bucket - modulus / 2 end
  return string.format(BUCKET, bucket)
end

-- see adds a fingerprint and returns whether it is new.
local function see(fp)
  return redis.call('SADD', bucket_of(fp), fp) == 1
end

-- unsee removes a fingerprint and returns 1, or 0 if it was not there.
local function unsee(fp) return redis.call('SREM', bucket_of(fp), fp) end

-- split moves half of a bucket to a new one after the last.
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

-- grow counts new fingerprints and splits buckets as needed.
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
