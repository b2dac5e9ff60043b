-- delivered: records how one try to deliver an event to a webhook went. It does not bring back a
-- job that was removed.
-- KEYS[1]  the job's webhooks: counters and notes, each followed by a space and the webhook's URL
-- KEYS[2]  the job
-- ARGV     URL of the webhook, why the try failed ('' if it did not), 1 if the event is given up, 1 if
--          the webhook wants no more events, revision of the job's settings
-- Returns  1; 0 if there is no such job

if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local key, url, why = KEYS[1], ARGV[1], ARGV[2]
local t = redis.call('TIME')
redis.call('HSET', key, 'last ' .. url, t[1] * 1000 + math.floor(t[2] / 1000))
redis.call('HINCRBY', key, (why == '' and 'delivered ' or 'failed ') .. url, 1)
if ARGV[3] == '1' then redis.call('HINCRBY', key, 'given_up ' .. url, 1) end
if why == '' then redis.call('HDEL', key, 'error ' .. url) else redis.call('HSET', key, 'error ' .. url, why) end
if ARGV[4] == '1' then redis.call('HSET', key, 'gone ' .. url, ARGV[5]) end
return 1
