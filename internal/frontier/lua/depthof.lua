-- depthof: returns the depth of a URL.
-- KEYS[1]  the shard's base
-- ARGV     its member of seen, with any depth; FARTHEST
-- Returns  its depth; -1 if it was never seen

return depth_in(bucket_of(ARGV[1]), fingerprint_of(ARGV[1])) or -1
