-- renew: a visit's deadline moves.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds
-- Returns  the host's rules

if not holds(ARGV[1], ARGV[2]) then return STALE end
redis.call('ZADD', OPEN, now_ms() + ARGV[3], ARGV[1])
return redis.call('HGET', HOST(ARGV[1]), 'rules') or ''
