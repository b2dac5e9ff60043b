-- renew: a visit's deadline moves.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds
-- Returns  the host's rules

if not holds(ARGV[1], ARGV[2]) then return STALE end
extend(ARGV[1], ARGV[3])
return redis.call('HGET', HOST(ARGV[1]), 'rules') or ''
