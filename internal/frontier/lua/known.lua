-- known: returns whether a URL was ever seen.
-- KEYS[1]  the shard's base
-- ARGV     its group in seen, its fingerprint; findings (seen.lua)
-- Returns  1 or 0; the reference to a block if it is undecided

local group, fp = ARGV[1], ARGV[2]
local key, bucket = bucket_of(group, fp)
if redis.call('SISMEMBER', key, fp) == 1 then return 1 end
if is_unseen(fp, filter_of(group, bucket)) then return 0 end
return undecided[2] or 1
