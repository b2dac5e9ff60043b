-- known: returns whether a URL was ever seen.
-- KEYS[1]  the shard's base
-- ARGV[1]  fingerprint
-- Returns  1 or 0

return redis.call('SISMEMBER', bucket_of(ARGV[1]), ARGV[1])
