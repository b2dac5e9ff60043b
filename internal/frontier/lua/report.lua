-- report: a worker adds to the ring of a job what it has settled, if someone watches the job. The
-- ring is bounded in length and in time.
-- KEYS[1]  the job
-- KEYS[2]  its ring of reports, the newest first: "POSITION REPORT" for each
-- ARGV     the report, the most reports, milliseconds for which the ring is kept
-- Returns  1; 0 if no one watches the job

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if (tonumber(redis.call('HGET', KEYS[1], 'watched') or 0) or 0) <= now then return 0 end
local kind = redis.call('TYPE', KEYS[2])
if type(kind) == 'table' then kind = kind.ok end
if kind ~= 'list' and kind ~= 'none' then redis.call('DEL', KEYS[2]) end -- garbage
local last = redis.call('LINDEX', KEYS[2], 0)
last = last and tonumber(string.match(last, '^(%d+) ')) or 0
local position = string.format('%d', math.max(now, last + 1))
redis.call('LPUSH', KEYS[2], position .. ' ' .. ARGV[1])
redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[2]) - 1)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
