-- depthof: returns the depth of a URL.
-- KEYS[1]  the shard's base
-- ARGV     its group and its member of seen, with any depth; FARTHEST
-- Returns  its depth; -1 if it was never seen

return depth_in(bucket_of(ARGV[1], ARGV[2]), fingerprint_of(ARGV[2])) or -1
