-- restore: brings the fingerprints of a spilled bucket of seen back into its set, if it still has the
-- same block. Those that belong to another bucket stay out.
-- KEYS[1]  the shard's base
-- ARGV     its group, a fingerprint of the bucket, the reference, the fingerprints of the block
-- Returns  1, or 0 if the bucket has another block or none

local group, reference = ARGV[1], ARGV[3]
local key, bucket = bucket_of(group, ARGV[2])
local was = redis.call('HGET', FILTERS(group), bucket)
if not was or reference_in(was) ~= reference then return 0 end
redis.call('HDEL', FILTERS(group), bucket)
if redis.call('HLEN', FILTERS(group)) == 0 then
  filtered[group] = false
  write_group(group)
end
local n, fps = buckets[group], {}
for i = 4, #ARGV do
  if bucket_in(n, power_above(n), ARGV[i]) == bucket then fps[#fps + 1] = ARGV[i] end
end
for from = 1, #fps, PART do redis.call('SADD', key, unpack(fps, from, math.min(#fps, from + PART - 1))) end
refer(object_of(reference), -1)
fit(group, key)
return 1
